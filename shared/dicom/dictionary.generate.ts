/**
 * Writes dictionary.generated.ts, PS3.6 as dcmjs has it: `node shared/dicom/dictionary.generate.ts`.
 * Only what implicit VR needs to know: the VR of a tag.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Entry {
  readonly tag: string;
  readonly vr: string;
}

/** Of several possible VRs, the one that an implicit reader takes. */
const CHOSEN: Readonly<Record<string, string>> = { xs: 'US', ox: 'OW', up: 'UL', lt: 'OW' };

// dcmjs has no types of its own.
const { default: dcmjs } = (await import('dcmjs' as string)) as {
  default: { data: { DicomMetaDictionary: { nameMap: Record<string, Entry> } } };
};

const byVr = new Map<string, string[]>();
for (const { tag, vr } of Object.values(dcmjs.data.DicomMetaDictionary.nameMap)) {
  const match = /^\(([0-9A-F]{4}),([0-9A-F]{4})\)$/i.exec(tag);
  const chosen = CHOSEN[vr] ?? vr;
  // UN is what an unknown tag is anyway; groups 0000 and 0002 are not part of a data set.
  if (!match || !/^[A-Z]{2}$/.test(chosen) || chosen === 'UN' || /^000[02]/.test(match[1] ?? ''))
    continue;
  const list = byVr.get(chosen) ?? [];
  list.push(`${match[1]}${match[2]}`.toLowerCase());
  byVr.set(chosen, list);
}

const lines = [...byVr]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([vr, tags]) => `  ${vr}: '${[...new Set(tags)].sort().join('')}',`);
writeFileSync(
  join(import.meta.dirname, 'dictionary.generated.ts'),
  `/** Made by dictionary.generate.ts; tags of 8 hexadecimal digits each, by VR. */\nexport const TAGS_BY_VR: Readonly<Record<string, string>> = {\n${lines.join('\n')}\n};\n`,
);
