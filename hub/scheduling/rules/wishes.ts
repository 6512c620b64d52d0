/** What the patient asked for, and the consent to go elsewhere. SC-13, SC-14. The own trust is always shown. */
import { type Demand, hoursTo, type Opening, type Removal } from './facts.ts';
import { ukDay, ukHour, ukWeekday } from './uk-time.ts';

/** @param travelMinutes by the way the patient travels; null: nobody can say */
export function wishesAgainst(
  demand: Demand,
  opening: Opening,
  { now, travelMinutes }: { now: number; travelMinutes: number | null },
): Removal[] {
  const { wishes } = demand;
  const at = Date.parse(opening.start);
  const { trust } = opening.place;
  const elsewhere = trust !== demand.trust;
  const checks: [boolean, string, string][] = [
    [
      elsewhere && demand.consentsElsewhere !== true,
      'consent',
      'The patient has not agreed to be offered another trust',
    ],
    [
      wishes.excludedTrusts?.includes(trust) ?? false,
      'excluded-trust',
      'The patient does not want to go to this trust',
    ],
    [isTooFar(demand, elsewhere, travelMinutes), 'travel', tooFarWords(demand, travelMinutes)],
    [
      hoursTo(opening.start, now) < (wishes.noticeHours ?? 0),
      'notice',
      `The patient needs ${wishes.noticeHours} hours of notice`,
    ],
    [
      !(wishes.days?.includes(ukWeekday(at)) ?? true),
      'days',
      'Not on a day that suits the patient',
    ],
    [!isWithinHours(at, wishes.hours), 'hours', 'Not at an hour that suits the patient'],
    [
      ukDay(at) < (wishes.notBefore ?? '') || ukDay(at) > (wishes.notAfter ?? '9999'),
      'dates',
      'Outside the dates that suit the patient',
    ],
  ];
  return checks.filter(([isSo]) => isSo).map(([, rule, reason]) => ({ rule, reason }));
}

function isTooFar(demand: Demand, elsewhere: boolean, minutes: number | null): boolean {
  const most = demand.wishes.maxTravelMinutes;
  if (most === undefined || !elsewhere) return false;
  return minutes === null || minutes > most;
}

function tooFarWords({ wishes }: Demand, minutes: number | null): string {
  const way = wishes.transport === 'public' ? 'public transport' : 'car';
  return minutes === null
    ? `How long it takes by ${way} is not known`
    : `${Math.round(minutes)} minutes by ${way}; the patient travels ${wishes.maxTravelMinutes} at most`;
}

function isWithinHours(at: number, hours: readonly [number, number] | undefined): boolean {
  if (hours === undefined) return true;
  const hour = ukHour(at);
  return hour >= hours[0] && hour < hours[1];
}
