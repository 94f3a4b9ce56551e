/** Lines over named places, on a logarithmic scale: latency by percentile. */
import { coordinate, document, line, PALETTE, type Placed, polyline, text } from './svg.ts';

export interface Series {
  readonly label: string;
  /** One for each place; NaN where there is none. All above 0. */
  readonly values: readonly number[];
}

export interface LinePlot {
  readonly title: string;
  readonly places: readonly string[];
  readonly unit: string;
  readonly series: readonly Series[];
}

const WIDTH = 860;
const HEIGHT = 420;
const LEFT = 70;
const RIGHT = 250;
const TOP = 44;
const BOTTOM = 40;

export function linePlot({ title, places, unit, series }: LinePlot): string {
  const values = series.flatMap((each) => each.values.filter((value) => value > 0));
  const lowest = Math.floor(Math.log10(Math.min(...values)));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(...values))));
  const x = (place: number): number => LEFT + (place / Math.max(1, places.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(value) - lowest) / (highest - lowest)) * (HEIGHT - TOP - BOTTOM);
  const grid: string[] = [];
  for (let power = lowest; power <= highest; power++) {
    const at = y(10 ** power);
    grid.push(line({ x: LEFT, y: at }, { x: WIDTH - RIGHT, y: at }, '#ddd'));
    grid.push(text(`${coordinate(10 ** power)} ${unit}`, { x: LEFT - 8, y: at + 4 }, { anchor: 'end' }));
  }
  const names = places.map((place, n) => text(place, { x: x(n), y: HEIGHT - 14 }, { anchor: 'middle' }));
  const lines = series.flatMap((each, n) => {
    const color = PALETTE[n % PALETTE.length] as string;
    const points: Placed[] = each.values.flatMap((value, place) => (value > 0 ? [{ x: x(place), y: y(value) }] : []));
    const label = { x: WIDTH - RIGHT + 24, y: TOP + 8 + n * 20 };
    return [
      polyline(points, color),
      line({ x: label.x - 16, y: label.y - 4 }, { x: label.x - 4, y: label.y - 4 }, color, 3),
      text(each.label, label),
    ];
  });
  const heading = text(title, { x: 8, y: 22 }, { size: 15, bold: true });
  return document({ width: WIDTH, height: HEIGHT }, [heading, ...grid, ...names, ...lines]);
}
