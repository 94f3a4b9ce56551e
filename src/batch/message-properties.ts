/** A message's AMQP properties, decoded. The wire names are those of AMQP 0-9-1, basic class. */
export interface MessageProperties {
  contentType?: string;
  contentEncoding?: string;
  headers?: Record<string, unknown>;
  /** 1 = transient, 2 = persistent. */
  deliveryMode?: 1 | 2;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  /** Time to live in ms, as decimal digits. */
  expiration?: string;
  messageId?: string;
  /** Unix time in seconds, as on the wire. */
  timestamp?: number;
  type?: string;
  userId?: string;
  appId?: string;
}
