/** What some contenders need that a machine may not have. None is guessed, and none is left out silently. */
import { CATALOGUE } from '../contenders/catalogue.ts';
import { openCelery } from './celery-environment.ts';
import { buildNative } from './native.ts';

export type Need = 'librabbitmq' | 'redis' | 'celery';

/** What was made ready. */
interface Provision {
  readonly redisUrl?: string;
  readonly python?: string;
  /** Which it is, for the results. */
  readonly label?: string;
  readonly release?: () => Promise<void>;
}

type Say = (line: string) => void;

/** Makes it ready, once a run. Resolves with why that is impossible here where it is. */
const PREPARE: Readonly<Record<Need, (say: Say) => Promise<Provision | string>>> = {
  librabbitmq: async () => buildNative() ?? {},
  redis: orReason(async (say) => {
    const { openRedis } = await import('./redis.ts');
    const redis = await openRedis(say);
    return { redisUrl: redis.url, label: redis.label, release: () => redis.stop() };
  }),
  celery: orReason(openCelery),
};

function orReason(prepare: (say: Say) => Promise<Provision>): (say: Say) => Promise<Provision | string> {
  return async (say) => {
    try {
      return await prepare(say);
    } catch (error) {
      return (error as Error).message;
    }
  };
}

export interface Field {
  readonly present: readonly string[];
  /** Why each of the others cannot run on this machine. */
  readonly missing: Readonly<Record<string, string>>;
  /** There when a contender of the run needs it. */
  readonly redisUrl: string | undefined;
  readonly python: string | undefined;
  /** What takes part besides the servers that every run needs. */
  readonly besides: readonly string[];
  /** Stops what was started. */
  release(): Promise<void>;
}

/** Makes ready what the contenders need, and tells which of them cannot run. */
export async function prepareContenders(contenders: readonly string[], say: Say): Promise<Field> {
  const prepared = new Map<Need, Provision | string>();
  const present: string[] = [];
  const missing: Record<string, string> = {};
  for (const name of contenders) {
    const need = CATALOGUE[name]?.needs;
    if (need !== undefined && !prepared.has(need)) prepared.set(need, await PREPARE[need](say));
    const result = need === undefined ? undefined : prepared.get(need);
    if (typeof result === 'string') missing[name] = result;
    else present.push(name);
  }
  const provisions = [...prepared.values()].filter((result) => typeof result !== 'string');
  return {
    present,
    missing,
    redisUrl: provisions.find(({ redisUrl }) => redisUrl !== undefined)?.redisUrl,
    python: provisions.find(({ python }) => python !== undefined)?.python,
    besides: provisions.flatMap(({ label }) => label ?? []),
    async release() {
      for (const { release } of provisions) await release?.();
    },
  };
}
