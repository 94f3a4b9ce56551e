/**
 * One delivery as it lies in the reader's memory. The reader uses ONE such object for all deliveries: it and the
 * bytes behind it are valid only during the call it is given to, and whoever wants them longer copies.
 */
export interface RawDelivery {
  /** Delivery tag, counted from 1 in each epoch, without gaps. Exact up to 2^53. */
  tag: number;
  redelivered: boolean;
  /** Holds properties and body; they need not be adjacent. */
  source: Buffer;
  /** AMQP content properties (property flags + property list), as in the content header frame. */
  propertiesStart: number;
  propertiesEnd: number;
  bodyStart: number;
  bodyEnd: number;
}
