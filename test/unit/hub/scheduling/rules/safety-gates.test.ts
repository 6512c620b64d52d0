import t from 'tap';
import type { Demand, Place, Safety } from '../../../../../hub/scheduling/rules/facts.ts';
import {
  type BlockedState,
  gatesBlocking,
  safetyGates,
} from '../../../../../hub/scheduling/rules/safety-gates.ts';
import { demand, examination, NOW, opening } from '../../../../support/demand.ts';

const CT: Partial<Place> = { modality: 'CT', resource: 'ct1' };
const contrastCt = examination('CCHAPC');
const headCt = examination('CSKUH');

interface Row {
  readonly gate: string;
  readonly when: string;
  readonly safety: Partial<Safety>;
  readonly with?: Partial<Demand>;
  readonly at?: Partial<Place>;
  readonly hours?: number;
  readonly outcome: 'pass' | 'fail' | 'unknown';
  readonly blocks: BlockedState | null;
  readonly says: RegExp;
}

const old = { examination: contrastCt, birthDate: '1950-01-01' };
const young = { examination: contrastCt, birthDate: '1990-01-01' };
const head = { examination: headCt };

const ROWS: readonly Row[] = [
  { gate: 'vetting', when: 'vetted', safety: {}, outcome: 'pass', blocks: null, says: /vetted/ },
  {
    ...{ gate: 'vetting', when: 'nobody vetted it', safety: { vetted: false } },
    ...{ outcome: 'unknown', blocks: 'confirm', says: /IR\(ME\)R/ },
  },
  {
    ...{ gate: 'vetting', when: 'the practitioner refused', safety: { vetted: 'refused' } },
    ...{ outcome: 'fail', blocks: 'offer', says: /refused/ },
  },
  {
    ...{ gate: 'mri-safety', when: 'answered', safety: {} },
    ...{ outcome: 'pass', blocks: null, says: /answered/ },
  },
  {
    ...{ gate: 'mri-safety', when: 'unknown and time for screening', safety: { mri: {} } },
    ...{ hours: 72, outcome: 'unknown', blocks: 'attend', says: /pacemaker, implants/ },
  },
  {
    ...{ gate: 'mri-safety', when: 'unknown and no time for screening', safety: { mri: {} } },
    ...{ hours: 20, outcome: 'unknown', blocks: 'offer', says: /too late here for screening/ },
  },
  {
    ...{ gate: 'mri-safety', when: 'unknown where the site screens in 4 hours' },
    ...{ safety: { mri: {} }, at: { leadHours: { 'mri-screening': 4 } }, hours: 20 },
    ...{ outcome: 'unknown', blocks: 'attend', says: /4 hours/ },
  },
  ...(
    [
      [{ pacemaker: 'unsafe' }, /pacemaker/],
      [{ implant: 'unsafe' }, /implant/],
      [{ aneurysmClip: true }, /aneurysm clip/],
      [{ metalInEye: true }, /metal in the eye/],
      [{ firstTrimester: true }, /first trimester/],
      [{ pacemaker: 'conditional' }, /limit/],
      [{ pacemaker: 'conditional', maxTesla: 1 }, /1 T at most; this scanner has 1.5 T/],
    ] as const
  ).map(
    ([mri, says]): Row => ({
      ...{ gate: 'mri-safety', when: JSON.stringify(mri), safety: { mri } },
      ...{ outcome: 'fail', blocks: 'offer', says },
    }),
  ),
  {
    ...{ gate: 'mri-safety', when: 'a conditional pacemaker that bears the field' },
    safety: {
      mri: {
        pacemaker: 'conditional',
        implant: 'none',
        aneurysmClip: false,
        metalInEye: false,
        maxTesla: 1.5,
      },
    },
    ...{ outcome: 'pass', blocks: null, says: /answered/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'over 64 without eGFR, and time', safety: {}, with: old },
    ...{ hours: 72, outcome: 'unknown', blocks: 'attend', says: /eGFR not older than 90 days/ },
  },
  {
    ...{
      gate: 'kidney-function',
      when: 'over 64 without eGFR, and no time',
      safety: {},
      with: old,
    },
    ...{ hours: 24, outcome: 'unknown', blocks: 'offer', says: /too late here for a blood test/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'eGFR older than the window', with: old, hours: 24 },
    safety: { egfr: { value: 80, on: '2026-07-01' } },
    ...{ outcome: 'unknown', blocks: 'offer', says: /90 days/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'eGFR taken the day of the scan', with: old, hours: 5 },
    safety: { egfr: { value: 80, on: '2026-11-02' } },
    ...{ outcome: 'fail', blocks: 'offer', says: /24 hours before/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'eGFR too low', with: young, hours: 24 },
    safety: { egfr: { value: 25, on: '2026-10-20' } },
    ...{ outcome: 'fail', blocks: 'offer', says: /eGFR is 25/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'eGFR good and recent', with: old, hours: 24 },
    safety: { egfr: { value: 80, on: '2026-10-20' } },
    ...{ outcome: 'pass', blocks: null, says: /eGFR 80/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'young and healthy', safety: {}, with: young, hours: 2 },
    ...{ outcome: 'pass', blocks: null, says: /No kidney function/ },
  },
  {
    ...{ gate: 'kidney-function', when: 'young with kidney disease', with: young, hours: 2 },
    ...{ safety: { kidneyDisease: true }, outcome: 'unknown', blocks: 'offer', says: /eGFR/ },
  },
  {
    ...{ gate: 'contrast-reaction', when: 'nobody asked', with: young },
    safety: { contrastReaction: undefined as never },
    ...{ outcome: 'unknown', blocks: 'confirm', says: /Ask for earlier reactions/ },
  },
  {
    ...{ gate: 'contrast-reaction', when: 'severe', safety: { contrastReaction: 'severe' } },
    ...{ with: young, outcome: 'fail', blocks: 'offer', says: /radiologist has to decide/ },
  },
  {
    ...{ gate: 'contrast-reaction', when: 'mild, no medic', safety: { contrastReaction: 'mild' } },
    ...{ with: young, outcome: 'fail', blocks: 'offer', says: /medic is on site/ },
  },
  {
    ...{ gate: 'contrast-reaction', when: 'mild, medic', safety: { contrastReaction: 'mild' } },
    ...{ with: young, at: { capabilities: ['contrast', 'medic-on-site'] } },
    ...{ outcome: 'pass', blocks: null, says: /medic is on site/ },
  },
  {
    ...{ gate: 'metformin', when: 'taken, kidney unknown', safety: { metformin: true } },
    ...{ with: young, hours: 72, outcome: 'unknown', blocks: 'confirm', says: /Metformin/ },
  },
  {
    ...{ gate: 'metformin', when: 'taken, kidney low', with: young },
    safety: { metformin: true, egfr: { value: 20, on: '2026-10-20' } },
    ...{ outcome: 'fail', blocks: 'confirm', says: /stopped first/ },
  },
  {
    ...{ gate: 'pregnancy', when: 'pregnant', safety: { pregnant: true }, with: head },
    ...{ outcome: 'fail', blocks: 'offer', says: /pregnant/ },
  },
  {
    ...{ gate: 'pregnancy', when: 'nobody asked', with: head },
    safety: { pregnant: undefined as never },
    ...{ outcome: 'unknown', blocks: 'attend', says: /Ask about pregnancy/ },
  },
  {
    ...{ gate: 'weight', when: 'more than the table bears', safety: { weightKg: 200 } },
    ...{ outcome: 'fail', blocks: 'offer', says: /200 kg is more than the table bears/ },
  },
  {
    ...{ gate: 'allergies', when: 'to what is used', safety: { allergies: ['Iodine contrast'] } },
    ...{ with: young, outcome: 'fail', blocks: 'offer', says: /Allergy to iodine/ },
  },
  {
    ...{ gate: 'infection', when: 'infectious, no isolation', safety: { infectious: true } },
    ...{ outcome: 'fail', blocks: 'offer', says: /isolate/ },
  },
  {
    ...{ gate: 'transport', when: 'no time to order it', safety: { needsTransport: true } },
    ...{ hours: 24, outcome: 'fail', blocks: 'offer', says: /48 hours before/ },
  },
  {
    ...{ gate: 'capacity', when: 'no decision yet', safety: { capacity: 'lacks' } },
    ...{ outcome: 'fail', blocks: 'confirm', says: /best-interest decision/ },
  },
];

t.test('every gate of SC-12 passes, blocks or asks, and says why', async (t) => {
  for (const row of ROWS) {
    const usual = demand();
    const asked = demand({ ...row.with, safety: { ...usual.safety, ...row.safety } });
    const isCt = asked.examination.modality === 'CT';
    const at = opening(row.hours ?? 72, { ...(isCt ? CT : {}), ...row.at });
    const gate = safetyGates(asked, at, NOW).find((one) => one.gate === row.gate);
    t.match(
      gate,
      { outcome: row.outcome, blocks: row.blocks, reason: row.says },
      `${row.gate}: ${row.when}`,
    );
  }
});

t.test('a gate that does not concern the examination is not there', async (t) => {
  const gates = safetyGates(demand(), opening(72), NOW).map(({ gate }) => gate);
  for (const other of [
    'kidney-function',
    'contrast-reaction',
    'metformin',
    'pregnancy',
    'allergies',
  ])
    t.notOk(gates.includes(other as never), `${other} of an MRI without contrast`);
  const man = demand({ examination: headCt, sex: 'M' });
  t.notOk(safetyGates(man, opening(72, CT), NOW).some(({ gate }) => gate === 'pregnancy'));
});

t.test('pregnancy is asked from 12 to 55, and of whoever no sex is told of', async (t) => {
  const asks = (birthDate: string, sex?: 'F'): boolean => {
    const { sex: _, ...rest } = demand({ examination: headCt, birthDate });
    const one = sex === undefined ? rest : { ...rest, sex };
    return safetyGates(one, opening(72, CT), NOW).some(({ gate }) => gate === 'pregnancy');
  };
  t.notOk(asks('1970-11-05', 'F'), 'she is 56 on the day of the slot');
  t.ok(asks('1970-11-06', 'F'), '55 on the day');
  t.ok(asks('2014-11-05', 'F'));
  t.notOk(asks('2014-11-06', 'F'));
  t.ok(asks('1990-01-01'));
});

t.test('what keeps from an offer keeps from a booking too', async (t) => {
  const gates = safetyGates(
    demand({ safety: { vetted: false, mri: { pacemaker: 'unsafe' } } }),
    opening(72),
    NOW,
  );
  t.strictSame(
    gatesBlocking(gates, 'offer').map(({ gate }) => gate),
    ['mri-safety'],
  );
  t.strictSame(
    gatesBlocking(gates, 'confirm').map(({ gate }) => gate),
    ['vetting', 'mri-safety'],
  );
});
