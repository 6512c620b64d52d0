/** The little of Markdown that a conformance statement needs. */

export const heading = (level: number, title: string): string => `${'#'.repeat(level)} ${title}`;

export const list = (items: readonly string[]): string =>
  items.map((item) => `- ${item}`).join('\n');

export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `dataSetDoesNotMatchSOPClass` becomes `data set does not match SOP class`. */
export const words = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/\b([A-Z])([a-z])/g, (_, first: string, rest: string) => first.toLowerCase() + rest);

/** As the standard writes statuses: `A700H`. */
export const hex = (status: number): string =>
  `${status.toString(16).toUpperCase().padStart(4, '0')}H`;

/** `(0010,0020)`. */
export function tagText(tag: number): string {
  const digits = tag.toString(16).toUpperCase().padStart(8, '0');
  return `(${digits.slice(0, 4)},${digits.slice(4)})`;
}
