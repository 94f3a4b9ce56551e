/** One server that can be used, and how it was come by. */
export interface FoundServer {
  readonly url: string;
  readonly managementUrl?: string | undefined;
  /** Name and version. */
  readonly label: string;
  /** Why this one: "AMQP_URL", "listens on the default port", "started by this run". */
  readonly why: string;
  /** True when this process started it: only such a server may be stopped, starved or filled. */
  readonly owned: boolean;
  stop(): Promise<void>;
}

/** A server that cannot be had, with what was tried. */
export interface MissingServer {
  readonly missing: string;
}

export interface SearchOptions {
  /** True: may install a server (step 5). Nobody's machine gets system packages unasked. */
  readonly install: boolean;
  /** True: only servers of our own; neither a URL, nor a listening server, nor Docker is used. */
  readonly own: boolean;
  /** True: starts nothing; what does not run yet is missing. */
  readonly lookOnly: boolean;
  /** True: what is started stays up after this process. */
  readonly outlives: boolean;
  /** Gets one line for each step that takes time. */
  readonly onProgress: (line: string) => void;
}
