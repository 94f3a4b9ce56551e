/** Where memory was allocated, by file and function: what V8's sampling heap profiler tells, read for the measured package. */

/** As in the profiler's protocol, as far as it is read here. */
export interface SamplingNode {
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly selfSize: number;
  readonly children: readonly SamplingNode[];
}

export interface AllocationSite {
  /** `file function` of the package; `package: file function` of its dependencies; `node:module function`. */
  readonly place: string;
  readonly bytes: number;
}

export interface AllocationSites {
  /** Most bytes first; nothing of the bench. */
  readonly sites: readonly AllocationSite[];
  /** What the bench's own code allocated and whatever it called, such as `stats()`. */
  readonly benchBytes: number;
}

const BENCH = /\/bench\/\.build\//;
const DEPENDENCY = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?:dist\/|lib\/)?(.*)$/;
const PACKAGE = /\/dist\/(.*)$/;
/** Allocated with no function on the stack: the messages that arrive from threads, and V8's own tables. */
const NO_FUNCTION = 'V8, outside of any function';

function placeOf({ functionName, url }: SamplingNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const [, dependency, dependencyFile] = DEPENDENCY.exec(url) ?? [];
  if (dependency !== undefined) return `${dependency}: ${dependencyFile} ${name}`;
  const [, file = url] = PACKAGE.exec(url) ?? [];
  return `${file} ${name}`;
}

/** A builtin, e.g. `Set.prototype.delete`, has no file and counts for whoever called it. */
export function allocationSites(head: SamplingNode): AllocationSites {
  const bytesOf = new Map<string, number>();
  let benchBytes = 0;
  const visit = (node: SamplingNode, caller: string, calledByBench: boolean): void => {
    const { url } = node.callFrame;
    const ofBench = calledByBench || BENCH.test(url);
    const place = url === '' ? caller : placeOf(node.callFrame);
    if (ofBench) benchBytes += node.selfSize;
    else if (node.selfSize > 0) bytesOf.set(place, (bytesOf.get(place) ?? 0) + node.selfSize);
    for (const child of node.children) visit(child, place, ofBench);
  };
  visit(head, NO_FUNCTION, false);
  const sites = [...bytesOf].map(([place, bytes]) => ({ place, bytes })).sort((a, b) => b.bytes - a.bytes);
  return { sites, benchBytes };
}
