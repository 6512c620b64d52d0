/** The decision on a patient's record: every combination of asker, restriction, relationship and emergency access. */
import t from 'tap';
import { type Decision, decide, type SubjectFacts } from '../../../../hub/access/decide.ts';
import { mayBreakGlass, type Principal, ROLES } from '../../../../hub/access/rules.ts';

const person = (trust: string | null): Principal => ({
  ...{ name: 'Dr Ito', role: 'clinician', trust, method: 'password', assurance: 2 },
});
const MACHINE: Principal = { name: 'reporting', role: 'clinician', trust: null };

/** A study of RJE. */
const subject = (
  given: {
    isHeldHere?: boolean;
    level?: SubjectFacts['confidentiality'];
    isSensitive?: boolean;
    isRelated?: boolean;
    isGlass?: boolean;
  } = {},
): SubjectFacts => ({
  home: 'RJE',
  isHeldHere: given.isHeldHere ?? false,
  confidentiality: given.level ?? 'N',
  patient: {
    relationships: given.isRelated ? [{ kind: 'order', id: 'A1', trust: 'RRK' }] : [],
    glassId: given.isGlass ? 'g1' : null,
    isSensitive: given.isSensitive ?? false,
  },
});

const text = (decision: Decision): string =>
  decision.kind === 'shown' ? decision.basis : `- ${decision.why}`;

/** What is known, then what RJE's own, RRK's, the network's people and its machines get. */
const TABLE: readonly [Parameters<typeof subject>[0], string, string, string, string][] = [
  [{}, 'own record of RJE', '- relationship', '- relationship', 'account of the network'],
  [
    { isRelated: true },
    'own record of RJE',
    'order A1 of RRK',
    'order A1 of RRK',
    'account of the network',
  ],
  [{ isHeldHere: true }, 'own record of RJE', 'copy at RRK', '', ''],
  [{ isGlass: true }, 'own record of RJE', 'break-glass g1', '', ''],
  [
    { isSensitive: true },
    'own record of RJE, S-flag',
    '- relationship',
    '- relationship',
    '- restricted',
  ],
  [
    { isSensitive: true, isRelated: true },
    'own record of RJE, S-flag',
    '- restricted',
    '- restricted',
    '- restricted',
  ],
  [{ isSensitive: true, isHeldHere: true }, 'own record of RJE, S-flag', '- restricted', '', ''],
  [
    { isSensitive: true, isRelated: true, isGlass: true },
    'own record of RJE, S-flag',
    'break-glass g1',
    '',
    '',
  ],
  [{ level: 'R' }, 'own record of RJE', '- relationship', '- relationship', '- restricted'],
  [
    { level: 'R', isRelated: true },
    'own record of RJE',
    '- restricted',
    '- restricted',
    '- restricted',
  ],
  [{ level: 'R', isGlass: true }, 'own record of RJE', 'break-glass g1', '', ''],
  [{ level: 'V' }, '- restricted', '- hidden', '- hidden', '- hidden'],
  [{ level: 'V', isRelated: true }, '- restricted', '- hidden', '- hidden', '- hidden'],
  [{ level: 'V', isHeldHere: true }, '- restricted', '- hidden', '- hidden', '- hidden'],
  [{ level: 'V', isGlass: true }, 'break-glass g1', '- hidden', '- hidden', '- hidden'],
];

t.test('who is shown a study, and why', async (t) => {
  for (const [given, own, other, network, machine] of TABLE) {
    const facts = subject(given);
    const words = JSON.stringify(given);
    t.equal(text(decide(person('RJE'), facts)), own, `${words}: its own trust`);
    t.equal(text(decide(person('RRK'), facts)), other, `${words}: another trust`);
    if (network !== '') t.equal(text(decide(person(null), facts)), network, `${words}: network`);
    if (machine !== '') t.equal(text(decide(MACHINE, facts)), machine, `${words}: a machine`);
  }
});

t.test('a role that is none is no account of the network', async (t) => {
  const nobody = { name: '', role: '', trust: null };
  t.equal(text(decide(nobody, subject())), '- relationship');
});

t.test('the glass is broken by people who treat patients, of a trust', async (t) => {
  const may = ROLES.filter((role) => mayBreakGlass({ ...person('RRK'), role }));
  t.strictSame(may, ['clinician', 'radiologist', 'coordinator']);
  t.notOk(mayBreakGlass(person(null)), 'no privacy officer would review it');
  t.notOk(mayBreakGlass({ name: 'reporting', role: 'clinician', trust: 'RRK' }), 'a machine');
});
