/** Whether a resource can do what the examination and the patient need. SC-10. */
import type { Capability, Demand, Place } from './facts.ts';

const WORDS: Readonly<Record<string, string>> = {
  contrast: 'contrast can not be given here',
  'medic-on-site': 'no medic is on site',
  cardiac: 'no cardiac imaging here',
  'paediatric-anaesthesia': 'no anaesthesia for children here',
  wheelchair: 'not reachable in a wheelchair',
  hoist: 'no hoist here',
  bariatric: 'no table for the patient’s weight',
  'wide-bore': 'no wide bore here',
  'female-operator': 'no female operator here',
  'male-operator': 'no male operator here',
  'breast-biopsy': 'no breast biopsy here',
  interventional: 'no interventional room',
  isolation: 'the site can not isolate',
} satisfies Record<Capability, string>;

/** Every reason why it can not, in words; empty when it can. */
export function missingCapabilities(demand: Demand, place: Place): string[] {
  const { examination } = demand;
  if (examination.modality !== place.modality)
    return [`this is a ${place.modality} resource, the examination is ${examination.modality}`];
  const contrast = examination.contrast ? ['contrast'] : [];
  const needed = new Set([...examination.needs, ...contrast, ...demand.needs]);
  return [...needed]
    .filter((one) => !place.capabilities.includes(one))
    .map((one) => WORDS[one] ?? `“${one}” is not told of this resource`);
}
