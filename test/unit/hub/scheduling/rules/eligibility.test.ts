import t from 'tap';
import { minutesNeeded } from '../../../../../hub/scheduling/rules/durations.ts';
import { removalsOf } from '../../../../../hub/scheduling/rules/eligibility.ts';
import { examinationOf } from '../../../../../hub/scheduling/rules/examinations.ts';
import type { Demand, Opening, Place } from '../../../../../hub/scheduling/rules/facts.ts';
import {
  guardrailsAgainst,
  isPhoneTurn,
  phoneOnlyShare,
} from '../../../../../hub/scheduling/rules/guardrails.ts';
import { demand, examination, NOW, opening } from '../../../../support/demand.ts';

const reasons = (asked: Demand, at: Opening, travelMinutes: number | null = 20): string[] =>
  removalsOf(asked, at, { now: NOW, travelMinutes }).map(({ rule }) => rule);
const usual = demand();

t.test('a patient who can use the slot has nothing against it', async (t) => {
  t.strictSame(reasons(usual, opening(72)), []);
});

t.test('what the scanner lacks removes it, in words (SC-10)', async (t) => {
  const wheelchair = demand({ needs: ['wheelchair', 'hoist'] });
  t.match(removalsOf(wheelchair, opening(72), { now: NOW, travelMinutes: 5 }), [
    { rule: 'capability', reason: 'no hoist here' },
  ]);
  t.strictSame(reasons(usual, opening(72, { modality: 'CT' })), ['capability']);
  const heart = demand({ examination: examination('MCARDC') });
  t.strictSame(reasons(heart, opening(72)), ['capability']);
});

t.test(
  'a slot that is too short removes itself, with the minutes of the patient (SC-11)',
  async (t) => {
    const slow = demand({ needs: ['wheelchair'], interpreter: true, birthDate: '2015-01-01' });
    t.equal(minutesNeeded(usual, '2026-11-05'), 30);
    t.equal(minutesNeeded(slow, '2026-11-05'), 60);
    t.equal(
      minutesNeeded(usual, '2026-11-05', { minutes: { MKNEL: 15 }, changeoverMinutes: 0 }),
      15,
    );
    t.strictSame(reasons(usual, { ...opening(72), minutes: 20 }), ['duration']);
  },
);

t.test('a late slot is for those who need no preparation that takes longer (SC-34)', async (t) => {
  const abdomen = { modality: 'US', resource: 'us1' } satisfies Partial<Place>;
  const fasting = demand({ examination: examination('UABDO') });
  t.strictSame(reasons(fasting, opening(4, abdomen)), ['preparation']);
  t.strictSame(reasons(fasting, opening(7, abdomen)), []);
  t.strictSame(reasons(demand({ interpreter: true }), opening(40)), ['preparation']);
});

t.test('wishes are kept: travel, notice, days, hours, dates, trusts (SC-14)', async (t) => {
  const wishing = (wishes: Demand['wishes']): string[] => reasons(demand({ wishes }), opening(72));
  t.strictSame(wishing({ maxTravelMinutes: 15 }), ['travel']);
  t.strictSame(wishing({ maxTravelMinutes: 20 }), []);
  t.strictSame(reasons(demand({ wishes: { maxTravelMinutes: 15 } }), opening(72), null), [
    'travel',
  ]);
  t.strictSame(wishing({ noticeHours: 96 }), ['notice']);
  t.strictSame(wishing({ days: [1, 2] }), ['days'], 'the slot is on a Thursday');
  t.strictSame(wishing({ hours: [14, 18] }), ['hours']);
  t.strictSame(wishing({ hours: [10, 11] }), []);
  t.strictSame(wishing({ notBefore: '2026-11-06' }), ['dates']);
  t.strictSame(wishing({ excludedTrusts: ['RJE'] }), ['excluded-trust']);
});

t.test(
  'the own trust is shown whatever the way, others only with consent (SC-13, SC-14)',
  async (t) => {
    const own = demand({ trust: 'RJE', consentsElsewhere: false, wishes: { maxTravelMinutes: 5 } });
    t.strictSame(reasons(own, opening(72), 90), []);
    const { consentsElsewhere: _, ...nobodyAsked } = usual;
    t.strictSame(reasons(nobodyAsked, opening(72)), ['consent']);
  },
);

t.test('a code that is not listed is read as NICIP builds codes', async (t) => {
  t.match(examinationOf('CSINUC'), { modality: 'CT', contrast: true, group: 'CT contrast' });
  t.match(examinationOf('MANKL'), { modality: 'MR', contrast: false, ionising: false });
  t.equal(examinationOf('71651007'), null, 'a SNOMED code tells no modality by itself');
  t.match(examinationOf('71651007', { modality: 'MG', name: 'Mammography' }), {
    ...{ modality: 'MG', name: 'Mammography', ionising: true, contrast: false },
  });
});

t.test(
  'a trust offers out its share at most, and keeps room for its own cancer patients (SC-21)',
  async (t) => {
    const count = { slots: 100, offeredOut: 19, free: 30, ownP2Waiting: 5 };
    t.strictSame(guardrailsAgainst('RJE', count), []);
    t.match(guardrailsAgainst('RJE', { ...count, offeredOut: 20 }), [{ rule: 'offered-out' }]);
    const agreed = { offeredOutShare: 0.2, agreed: true };
    t.strictSame(guardrailsAgainst('RJE', { ...count, offeredOut: 60 }, agreed), []);
    t.match(guardrailsAgainst('RJE', { ...count, free: 5 }), [{ rule: 'own-p2' }]);
    const waits = (here: number, sender: number) =>
      guardrailsAgainst('RJE', { ...count, medianWaitDays: { here, sender } });
    t.strictSame(waits(20, 30), []);
    t.match(waits(20, 22), [{ rule: 'no-gain' }], 'nobody is sent to where people wait as long');
  },
);

t.test('those who can only be phoned get their share of refills, however slow', async (t) => {
  let byPhoneOnly = 0;
  let due = 0;
  for (let filled = 0; filled < 100; filled += 1) {
    const list = { waiting: 50, waitingPhoneOnly: 10 };
    // Every other call finds nobody: what is owed to them is made up for later.
    if (isPhoneTurn({ byPhoneOnly, due, ...list }) && filled % 2 === 0) byPhoneOnly += 1;
    due += phoneOnlyShare(list);
  }
  t.ok(byPhoneOnly >= 20 && byPhoneOnly <= 22, 'at least their share, and not much more');
  t.notOk(isPhoneTurn({ byPhoneOnly: 0, due: 3, waiting: 50, waitingPhoneOnly: 0 }));
});
