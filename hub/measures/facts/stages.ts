/** Every stage of the fold, each after those that it reads. */
import type { FactName } from '../measure.ts';
import { appointment, booking, refill } from './bookings.ts';
import { dose, doseEvent } from './dose.ts';
import { exam } from './exam.ts';
import { ORDERS } from './orders.ts';
import { PEOPLE } from './people.ts';
import { prior } from './priors.ts';
import { SMALL_FACTS, transfer, view } from './small-facts.ts';
import { type Stage, tableOf } from './stage.ts';

export const STAGES: readonly Stage[] = [
  ...PEOPLE,
  ...ORDERS,
  ...[booking, doseEvent, exam, view, transfer, prior, appointment, refill, dose],
  ...SMALL_FACTS,
];

/** The stages that change a fact. */
export const stagesOf = (fact: FactName): Stage[] =>
  STAGES.filter((stage) => tableOf(stage) === fact);
