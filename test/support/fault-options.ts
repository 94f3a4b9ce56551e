export interface SkipOption {
  readonly skip: string | false;
}

/** Test options that skip for the first reason there is: `{ ...needs(a), ...needsOwn(b) }` would forget the first. */
export function allOf(...options: readonly SkipOption[]): SkipOption {
  return options.find(({ skip }) => skip !== false) ?? { skip: false };
}

/** For tests that take longer than `npm test` should wait: they run under `npm run faults`, which sets FAULTS=all. */
export function slowFault(...options: readonly SkipOption[]): SkipOption {
  const asked = process.env['FAULTS'] === 'all';
  return allOf({ skip: asked ? false : 'slow: runs with npm run faults' }, ...options);
}
