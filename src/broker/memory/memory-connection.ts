import type { RuntimeError } from '../../errors/runtime-error.ts';

/** What hangs on a connection and must know when it is lost, is back, or can go on. */
export interface ConnectionMember {
  connectionLost(error: RuntimeError): void;
  /** The connection is back, unblocked or resumed: go on with whatever waited for that. */
  proceed(): void;
  /** Leaves the connection for good. */
  close(): Promise<void>;
}

/** A broker's connection as its consumers and publishers see it. */
export class MemoryConnection {
  open = false;
  blocked = false;
  paused = false;
  readonly members = new Set<ConnectionMember>();

  lose(error: RuntimeError): void {
    this.open = false;
    for (const member of [...this.members]) member.connectionLost(error);
  }

  proceed(): void {
    for (const member of [...this.members]) member.proceed();
  }
}
