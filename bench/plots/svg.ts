/** As much SVG as two kinds of plot need. Plain shapes and a font that every reader has: it must look the same everywhere. */

export interface Placed {
  readonly x: number;
  readonly y: number;
}

export const PALETTE: readonly string[] = ['#0b6e4f', '#c1440e', '#3d5a98', '#8a6d00', '#7a3b8f', '#4a4a4a'];
const FONT = 'font-family="Helvetica, Arial, sans-serif"';

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most two decimals, so that the same data gives the same file. */
export function coordinate(value: number): string {
  return String(Number(value.toFixed(2)));
}

export function text(
  content: string,
  { x, y }: Placed,
  style: { anchor?: 'start' | 'middle' | 'end'; size?: number; bold?: boolean; fill?: string } = {},
): string {
  const { anchor = 'start', size = 12, bold = false, fill = '#222' } = style;
  const weight = bold ? ' font-weight="bold"' : '';
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" ${FONT} font-size="${size}"${weight} text-anchor="${anchor}" fill="${fill}">${escaped(content)}</text>`;
}

export function rectangle(corner: Placed, size: { width: number; height: number }, fill: string): string {
  const [x, y, width, height] = [corner.x, corner.y, size.width, size.height].map(coordinate);
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`;
}

export function line(from: Placed, to: Placed, stroke = '#bbb', width = 1): string {
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map(coordinate);
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${stroke}" stroke-width="${width}"/>`;
}

export function polyline(points: readonly Placed[], stroke: string): string {
  const path = points.map(({ x, y }) => `${coordinate(x)},${coordinate(y)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="2"/>`;
}

export function document(size: { width: number; height: number }, parts: readonly string[]): string {
  const { width, height } = size;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return `${[open, rectangle({ x: 0, y: 0 }, size, '#fff'), ...parts, '</svg>'].join('\n')}\n`;
}
