/**
 * A bar for each contender, as long as its median, with a whisker from its lowest to its highest round:
 *
 *     millrace   ████████████├──┤      98,000
 *     c-reader   ██████████████├─┤    107,000
 */
import { whole } from '../harness/table.ts';
import { document, line, PALETTE, rectangle, text } from './svg.ts';

export interface Bar {
  readonly label: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Ours, to be told from the others at a glance. */
  readonly ours: boolean;
}

const WIDTH = 860;
const LABELS = 240;
const FIGURES = 90;
const ROW = 26;
const HEAD = 44;
const BAR = 16;
const OTHERS_FILL = '#b8c4bc';

export function barPlot(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ max }) => max));
  const scale = (value: number): number => (value / most) * (WIDTH - LABELS - FIGURES);
  const parts = bars.flatMap((bar, row) => {
    const y = HEAD + row * ROW;
    const middle = y + BAR / 2;
    const whisker = [bar.min, bar.max].map((value) => LABELS + scale(value)) as [number, number];
    return [
      text(bar.label, { x: LABELS - 8, y: middle + 4 }, { anchor: 'end', bold: bar.ours }),
      rectangle(
        { x: LABELS, y },
        { width: scale(bar.median), height: BAR },
        bar.ours ? (PALETTE[0] as string) : OTHERS_FILL,
      ),
      line({ x: whisker[0], y: middle }, { x: whisker[1], y: middle }, '#333'),
      ...whisker.map((x) => line({ x, y: middle - 4 }, { x, y: middle + 4 }, '#333')),
      text(whole(bar.median), { x: WIDTH - 8, y: middle + 4 }, { anchor: 'end', bold: bar.ours }),
    ];
  });
  const size = { width: WIDTH, height: HEAD + bars.length * ROW + 8 };
  return document(size, [text(title, { x: 8, y: 22 }, { size: 15, bold: true }), ...parts]);
}
