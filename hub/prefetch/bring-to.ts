/** The relevant studies of a patient, brought to a trust where the patient is to be examined. SC-13. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import type { FetchRequest } from '../fetch/order.ts';
import { findIdentity, type IdentityKey } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import type { Disclosure } from '../relations/disclosure.ts';
import { studiesOfPatients } from '../search/studies.ts';
import { type RelevanceRules, relevantPriors } from './relevant.ts';

export const REFERRAL = 'referral';

export interface ToBring {
  /** As the trust that referred knows the patient. */
  readonly patient: IdentityKey;
  readonly to: string;
  readonly modality: string;
  /** RFC 3339: when they are needed. */
  readonly on: string;
  readonly reason: string;
}

/** @throws what a fetch is refused with, after all were asked for */
export async function bringTo(
  {
    db,
    rules,
    fetches,
    disclosure,
  }: {
    readonly db: Sqlite;
    readonly rules: RelevanceRules;
    readonly fetches: { request(request: FetchRequest, by: Principal): Promise<unknown> };
    readonly disclosure: Pick<Disclosure, 'to'>;
  },
  { patient, to, modality, on, reason }: ToBring,
): Promise<void> {
  const identity = findIdentity(db, patient);
  if (identity === undefined) return;
  const { members } = personOf(db, identity);
  const discloser = disclosure.to(BY);
  const elsewhere = studiesOfPatients(db, members)
    .filter(
      ({ home, copies }) =>
        home !== to && !copies.some((copy) => copy.trust === to && copy.complete),
    )
    // What is restricted goes nowhere by itself.
    .filter((study) => discloser.study(study).kind === 'shown');
  const there = members.find(({ trust, mergedInto }) => trust === to && mergedInto === null);
  const localPatient =
    there === undefined
      ? {}
      : { localPatient: { patientId: there.patientId, issuer: there.issuer } };
  const asked = relevantPriors(elsewhere, { modality, on }, rules).map(
    ({ studyInstanceUID, home }) =>
      fetches.request(
        {
          ...{
            studyInstanceUID,
            home,
            to: { trust: to },
            priority: 'scheduled',
            purpose: REFERRAL,
          },
          ...{ reason, neededBy: on, ...localPatient },
        },
        BY,
      ),
  );
  const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

const BY: Principal = { name: 'referral', role: 'admin', trust: null };
