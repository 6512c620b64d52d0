/** Names of persons as they are compared: without case, accents, and trailing empty components. PS3.5 §6.2.1, PS3.4 C.2.2.2.1. */

/** The first component group, folded: `SMITH^JOHN` for `Smith^John^^^=…`. */
export function foldName(name: string): string {
  return foldGroup(name.split('=')[0] ?? '');
}

/** Each of the component groups, folded: alphabetic, ideographic, phonetic; '' for one that is empty. */
export const foldGroups = (name: string): string[] => name.split('=').map(foldGroup);

function foldGroup(group: string): string {
  return group
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .split('^')
    .map((component) => component.trim().replace(/\s+/g, ' '))
    .join('^')
    .replace(/\^+$/, '');
}
