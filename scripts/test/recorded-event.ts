/** One line of what event-recorder.mjs writes: a test that ended, or a figure of the runner's own summary. */
export type RecordedEvent =
  | { readonly kind: 'passed'; readonly name: string; readonly file: string; readonly ms: number }
  | { readonly kind: 'skipped'; readonly name: string; readonly file: string; readonly reason: string }
  | {
      readonly kind: 'failed';
      readonly name: string;
      readonly file: string;
      readonly message: string;
      readonly ms: number;
    }
  | { readonly kind: 'figure'; readonly name: string; readonly value: number };
