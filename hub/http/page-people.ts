/**
 * `/people`: who gets in, for admins: accounts and their new links, and who is signed in. An admin of a trust looks
 * after the people of that trust, one of the network after all.
 */
import { accountNameFault } from '../access/account-name.ts';
import { type Principal, ROLES, type Role } from '../access/rules.ts';
import { httpUrlOf } from '../config.ts';
import { type FieldFault, faultsByField, readForm } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { requireStepUp } from './step-up.ts';

interface Whom {
  readonly name: string;
  readonly role: Role;
  readonly trust: string | null;
}

export function peoplePages(parts: HttpParts): Page[] {
  const { accounts, sessions } = parts.access;
  const common = { action: 'people', audit: 'account' } as const;
  /** A change of one person, whom the record names. */
  const change = (path: string, run: (call: PageCall, whom: Whom) => unknown): Page => ({
    ...{ ...common, method: 'POST', path: `/people/${path}` },
    run: (call) => {
      const whom = personMeant(parts, call);
      call.note({ ...whom });
      return run(call, whom);
    },
  });
  return [
    { ...common, method: 'GET', path: '/people', run: (call) => showPeople(parts, call) },
    { ...common, method: 'POST', path: '/people', run: (call) => addPerson(parts, call) },
    change('link', (call, whom) => giveLink(parts, call, whom)),
    change('sign-out', ({ reply }, { name }) => {
      sessions.endAll(name);
      return reply.redirect('/people', 303);
    }),
    change('drop', ({ reply, principal }, { name }) => {
      if (name === principal.name)
        throw new HttpProblem('FORBIDDEN', 'Somebody else has to remove your own account.');
      accounts.drop(name);
      return reply.redirect('/people', 303);
    }),
  ];
}

const looksAfter = ({ trust }: Principal, of: { trust: string | null }): boolean =>
  trust === null || trust === of.trust;

interface Faulty {
  readonly form?: Readonly<Record<string, string>>;
  readonly faults?: readonly FieldFault[];
}

function showPeople(
  parts: HttpParts,
  { principal, render }: PageCall,
  { form = {}, faults = [] }: Faulty = {},
): string {
  const { accounts, sessions } = parts.access;
  const signedIn = new Map(sessions.people().map((one) => [one.name, one]));
  const own = accounts.list().map((person) => ({ ...person, isLocal: true }));
  const names = new Set(own.map(({ name }) => name));
  const others = [...signedIn.values()].filter(({ name }) => !names.has(name));
  const shown = [...own, ...others.map((one) => ({ ...one, isLocal: false, hasPassword: false }))];
  const { local } = parts.config.signIn;
  return render('people.njk', {
    ...{ section: 'people', local, form, faults, byField: faultsByField(faults) },
    title: faults.length > 0 ? 'Error: People' : 'People',
    people: shown
      .filter((person) => looksAfter(principal, person))
      .sort((a, b) => a.name.localeCompare(b.name))
      .map((person) => {
        const { sessions: count = 0, lastAt } = signedIn.get(person.name) ?? {};
        const last = lastAt === undefined ? null : new Date(lastAt).toISOString();
        return { ...person, count, last, isSelf: person.name === principal.name };
      }),
    roles: ROLES,
    trusts: parts.config.trusts.filter(({ ods }) => looksAfter(principal, { trust: ods })),
    isNetwork: principal.trust === null,
  });
}

/** @throws HttpProblem `NOT_FOUND`, `FORBIDDEN` */
function personMeant({ access }: HttpParts, { request, principal }: PageCall): Whom {
  const { name = '' } = readForm(request.body);
  const found =
    access.accounts.find(name) ?? access.sessions.people().find((one) => one.name === name);
  if (found === undefined || !looksAfter(principal, found))
    throw new HttpProblem('NOT_FOUND', 'There is nobody of this name whom you look after.');
  return { name: found.name, role: found.role as Role, trust: found.trust };
}

function addPerson(parts: HttpParts, call: PageCall): unknown {
  const { principal, request, note } = call;
  const form = readForm(request.body);
  const { name = '', role: told, trust: of = '' } = form;
  const role = ROLES.find((one) => one === told);
  const trust = of === 'network' ? null : of;
  const faults: FieldFault[] = [];
  const nameFault = accountNameFault(name);
  if (nameFault !== null)
    faults.push({ field: 'name', message: `Enter another name, such as Dr Okafor: ${nameFault}` });
  if (role === undefined) faults.push({ field: 'role', message: 'Choose a role' });
  if (trust !== null && !parts.config.trusts.some(({ ods }) => ods === trust))
    faults.push({ field: 'trust', message: 'Choose whom they work for' });
  const known = parts.access.accounts.find(name);
  // Somebody else's account would be taken over, or moved to another trust.
  if (known !== undefined)
    faults.push({ field: 'name', message: 'There is an account of this name already' });
  if (role === undefined || faults.length > 0) {
    call.reply.status(422);
    return showPeople(parts, call, { form, faults });
  }
  if (!looksAfter(principal, { trust }))
    throw new HttpProblem('FORBIDDEN', `You look after people of ${principal.trust} only.`);
  note({ name, role, trust });
  return giveLink(parts, call, { name, role, trust });
}

/** The one time that a link is shown. */
function giveLink(parts: HttpParts, call: PageCall, whom: Whom): string {
  const { config, access } = parts;
  if (!config.signIn.local)
    throw new HttpProblem('NOT_FOUND', 'Nobody signs in here by a link (signIn.local).');
  if (access.accounts.find(whom.name) === undefined && isElsewhere(parts, whom.name))
    throw new HttpProblem('FORBIDDEN', 'This person signs in at their organisation.');
  requireStepUp(parts, call.principal, 'let people in');
  const { port = 0 } = call.request.socket.address() as { port?: number };
  const link = `${httpUrlOf(config, port)}/sign-in/${access.invite(whom)}`;
  return call.render('person-link.njk', { section: 'people', title: 'A link', whom, link });
}

const isElsewhere = ({ access }: HttpParts, name: string): boolean =>
  access.sessions.people().some((one) => one.name === name);
