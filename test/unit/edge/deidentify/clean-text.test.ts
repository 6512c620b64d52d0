/** Of what somebody wrote only words of a list stay, and numbers that date and name nobody. */
import t from 'tap';
import { cleanText } from '../../../../edge/deidentify/clean-text.ts';

const TEXTS: readonly (readonly [string, string])[] = [
  ['CT Thorax 5 mm with contrast, Mrs Okonkwo', 'CT Thorax 5 with contrast'],
  ['T1 3mm axial', 'T1 3mm axial'],
  ['seen 27/11/38, chest', 'chest'],
  ['27 11 38', ''],
  ['lung 94 34 76 59 19', 'lung'],
  ['27 Nov 38 spine', 'spine'],
];
for (const [text, clean] of TEXTS)
  t.test(`"${text}" becomes "${clean}"`, async (t) => t.equal(cleanText(text), clean));
