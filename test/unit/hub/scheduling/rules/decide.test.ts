import t from 'tap';
import {
  decideOrder,
  explain,
  isAsItWasDecided,
  nextToOffer,
} from '../../../../../hub/scheduling/rules/decide.ts';
import type { Demand } from '../../../../../hub/scheduling/rules/facts.ts';
import { demand, NOW, opening } from '../../../../support/demand.ts';

const SEED = 'seed';
const slot = opening(200);

const decide = (...demands: Demand[]) =>
  decideOrder(
    slot,
    demands.map((one) => ({ demand: one, travelMinutes: 20 })),
    { seed: SEED, now: NOW },
  );
const ids = (...demands: Demand[]): string[] =>
  decide(...demands).considered.map(({ requestId }) => requestId);

t.test('the order is band, then breach, then wait, then travel (SC-20)', async (t) => {
  const late = demand({ id: 'late', breachAt: '2026-11-04T00:00:00Z' });
  const early = demand({ id: 'early', breachAt: '2026-12-01T00:00:00Z' });
  const urgent = demand({ id: 'urgent', band: 'P2', breachAt: '2027-01-01T00:00:00Z' });
  const longer = demand({ id: 'longer', since: '2026-09-01T00:00:00Z' });
  t.strictSame(ids(early, late, urgent), ['urgent', 'late', 'early']);
  t.strictSame(ids(demand({ id: 'shorter' }), longer), ['longer', 'shorter']);
  const near = { demand: demand({ id: 'near' }), travelMinutes: 10 };
  const far = { demand: demand({ id: 'far' }), travelMinutes: 40 };
  const nobodyKnows = { demand: demand({ id: 'unknown' }), travelMinutes: null };
  const { considered } = decideOrder(slot, [nobodyKnows, far, near], { seed: SEED, now: NOW });
  t.strictSame(
    considered.map(({ requestId }) => requestId),
    ['near', 'far', 'unknown'],
  );
});

t.test(
  'equals are put in order by the seed, the same each time and not the same for each seed',
  async (t) => {
    const equals = Array.from({ length: 8 }, (_, n) => demand({ id: `request-${n}` }));
    t.strictSame(ids(...equals), ids(...equals.toReversed()));
    const other = decideOrder(
      slot,
      equals.map((one) => ({ demand: one, travelMinutes: 20 })),
      { seed: 'another', now: NOW },
    );
    t.notSame(
      other.considered.map(({ requestId }) => requestId),
      ids(...equals),
    );
  },
);

t.test('two bands are never offered the same slot at once', async (t) => {
  const decision = decide(
    demand({ id: 'a', band: 'P3' }),
    demand({ id: 'b', band: 'P3' }),
    demand({ id: 'c', band: 'P4' }),
  );
  const first = nextToOffer(decision, { atOnce: 5, alreadyOffered: new Set() });
  t.strictSame(first.toSorted(), ['a', 'b']);
  t.strictSame(nextToOffer(decision, { atOnce: 5, alreadyOffered: new Set(first) }), ['c']);
});

t.test('whoever may not be offered it stands behind, with every reason', async (t) => {
  const decision = decideOrder(
    slot,
    [
      {
        demand: demand({
          id: 'removed',
          band: 'P2',
          consentsElsewhere: false,
          wishes: { days: [6] },
        }),
        travelMinutes: 20,
        removedBy: [{ rule: 'offered-out', reason: 'RJE offers out 20 % of its slots at most' }],
      },
      { demand: demand({ id: 'stands' }), travelMinutes: 20 },
    ],
    { seed: SEED, now: NOW },
  );
  t.strictSame(
    decision.considered.map(({ requestId }) => requestId),
    ['stands', 'removed'],
  );
  t.strictSame(
    decision.considered[1]?.removedBy.map(({ rule }) => rule),
    ['consent', 'days', 'offered-out'],
  );
  t.match(explain(decision, 'removed'), /has not agreed to be offered another trust; Not on a day/);
  t.match(explain(decision, 'stands'), /Number 1 of 1 .* priority P4/);
});

t.test('a stored decision can be made again; one that was changed is found', async (t) => {
  const decision = decide(demand({ id: 'a' }), demand({ id: 'b', band: 'P2' }));
  const stored = JSON.parse(JSON.stringify(decision)) as typeof decision;
  t.ok(isAsItWasDecided(stored));
  t.notOk(isAsItWasDecided({ ...stored, considered: stored.considered.toReversed() }));
});

t.test(
  'emergencies and inpatients are in no pool, and a slot that has begun is nobody’s',
  async (t) => {
    t.match(decide(demand({ band: 'P1' })).considered[0]?.removedBy, [{ rule: 'band' }]);
    const past = decideOrder(opening(-1), [{ demand: demand(), travelMinutes: 5 }], {
      seed: SEED,
      now: NOW,
    });
    t.match(past.considered[0]?.removedBy, [{ rule: 'past' }]);
  },
);
