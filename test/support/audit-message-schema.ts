/**
 * The grammar of DICOM audit messages, PS3.15 A.5.1.1: what stands in each element, in which order, with which attributes.
 * Python's own parser reads the message, so that ours is not believed.
 */
import { execFileSync } from 'node:child_process';

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

interface Rule {
  /** Names of the children, in order, a space before each. */
  readonly children: RegExp;
  readonly required: Readonly<Record<string, RegExp>>;
  readonly optional?: Readonly<Record<string, RegExp>>;
  readonly text?: RegExp;
}

const ANY = /^/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const EMPTY = /^$/;
const NAMED = { codeSystemName: ANY, originalText: ANY };
const CODED: Rule = {
  children: EMPTY,
  required: { 'csd-code': ANY, ...NAMED },
  optional: { displayName: ANY },
};

const RULES: Readonly<Record<string, Rule>> = {
  AuditMessage: {
    children:
      /^ EventIdentification( ActiveParticipant)+ AuditSourceIdentification( ParticipantObjectIdentification)*$/,
    required: {},
  },
  EventIdentification: {
    children: /^ EventID( EventTypeCode)*( EventOutcomeDescription)?$/,
    required: {
      EventDateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
      EventOutcomeIndicator: /^(0|4|8|12)$/,
    },
    optional: { EventActionCode: /^[CRUDE]$/ },
  },
  EventID: CODED,
  EventTypeCode: CODED,
  EventOutcomeDescription: { children: EMPTY, required: {}, text: ANY },
  ActiveParticipant: {
    children: /^( RoleIDCode)*( MediaIdentifier)?$/,
    required: { UserID: ANY, UserIsRequestor: /^(true|false|1|0)$/ },
    optional: {
      ...{ AlternativeUserID: ANY, UserName: ANY, NetworkAccessPointID: ANY },
      NetworkAccessPointTypeCode: /^[1-5]$/,
    },
  },
  RoleIDCode: CODED,
  MediaIdentifier: { children: /^ MediaType$/, required: {} },
  MediaType: CODED,
  AuditSourceIdentification: {
    children: /^( AuditSourceTypeCode)*$/,
    required: { AuditSourceID: ANY },
    optional: { AuditEnterpriseSiteID: ANY },
  },
  AuditSourceTypeCode: CODED,
  ParticipantObjectIdentification: {
    children:
      /^ ParticipantObjectIDTypeCode ParticipantObject(Name|Query)( ParticipantObjectDetail)*( ParticipantObjectDescription)*$/,
    required: { ParticipantObjectID: ANY },
    optional: {
      ParticipantObjectTypeCode: /^[1-4]$/,
      ParticipantObjectTypeCodeRole: /^([1-9]|1\d|2[0-6])$/,
      ParticipantObjectDataLifeCycle: /^([1-9]|1[0-5])$/,
      ParticipantObjectSensitivity: ANY,
    },
  },
  ParticipantObjectIDTypeCode: CODED,
  ParticipantObjectName: { children: EMPTY, required: {}, text: ANY },
  ParticipantObjectQuery: { children: EMPTY, required: {}, text: BASE64 },
  ParticipantObjectDetail: { children: EMPTY, required: { type: ANY, value: BASE64 } },
  ParticipantObjectDescription: {
    children:
      /^( MPPS)*( Accession)*( SOPClass)*( ParticipantObjectContainsStudy)?( Encrypted)?( Anonymized)?$/,
    required: {},
  },
  Accession: { children: EMPTY, required: { Number: ANY } },
  SOPClass: {
    children: /^( Instance)*$/,
    required: { NumberOfInstances: /^\d+$/ },
    optional: { UID: /^[0-2](\.(0|[1-9]\d*))+$/ },
  },
  Anonymized: { children: EMPTY, required: {}, text: /^(true|false)$/ },
};

/** PS3.15 A.5.3.1 to A.5.3.12: action, types, and who has to take part as what, by EventID. */
interface EventRule {
  readonly actions: RegExp;
  /** EventTypeCode; absent: none is wanted. */
  readonly types?: RegExp;
  /** Each of these RoleIDCodes stands exactly once. */
  readonly roles?: readonly string[];
  /** ParticipantObjectIDTypeCode of which one at least has to be there. */
  readonly object?: RegExp;
}

const [APPLICATION, DESTINATION, SOURCE] = ['110150', '110152', '110153'] as const;
const EVENT_RULES: Readonly<Record<string, EventRule>> = {
  '110100': { actions: /^E$/, types: /^(110120|110121)$/, roles: [APPLICATION] },
  '110101': { actions: /^R$/, object: /^12$/ },
  '110102': { actions: /^E$/, roles: [SOURCE, DESTINATION] },
  '110103': { actions: /^[CRUD]$/ },
  '110104': { actions: /^[CRU]$/, roles: [SOURCE, DESTINATION] },
  '110105': { actions: /^D$/ },
  '110106': { actions: /^R$/, roles: [SOURCE, DESTINATION] },
  '110107': { actions: /^C$/, roles: [SOURCE, DESTINATION] },
  '110109': { actions: /^[CRUDE]$/ },
  '110110': { actions: /^[CRUD]$/ },
  '110112': { actions: /^E$/, roles: [SOURCE, DESTINATION], object: /^(110181|10)$/ },
  '110113': { actions: /^E$/, types: /^1101(2[6-9]|3\d|4[0-2])$/, object: /^12$/ },
  '110114': { actions: /^E$/, types: /^(110122|110123)$/ },
};

const SCRIPT = `
import sys, json, xml.etree.ElementTree as E
tree = lambda one: {'tag': one.tag, 'attributes': one.attrib, 'children': [tree(c) for c in one], 'text': one.text or ''}
print(json.dumps([tree(E.fromstring(text)) for text in json.load(sys.stdin)]))`;

/** @returns what is against the grammar, message by message; empty: nothing */
export function auditMessageFaults(messages: readonly string[]): string[] {
  const read = execFileSync('python3', ['-c', SCRIPT], {
    ...{ input: JSON.stringify(messages), maxBuffer: 64 * 1024 * 1024 },
  });
  const trees = JSON.parse(String(read)) as Element[];
  return trees.flatMap((tree) => [
    ...(tree.tag === 'AuditMessage' ? [] : [`${tree.tag} is no message`]),
    ...faultsOf(tree),
    ...eventFaults(tree),
  ]);
}

const codesIn = ({ children }: Element, name: string): string[] =>
  children.flatMap((one) => (one.tag === name ? [one.attributes['csd-code'] ?? ''] : []));

function eventFaults({ children }: Element): string[] {
  const [event] = children;
  if (event === undefined) return ['no event'];
  const [id = ''] = codesIn(event, 'EventID');
  const rule = EVENT_RULES[id];
  if (rule === undefined) return [`EventID ${id} is in no table`];
  const types = codesIn(event, 'EventTypeCode');
  const participants = children.filter(({ tag }) => tag === 'ActiveParticipant');
  const roles = participants.flatMap((one) => codesIn(one, 'RoleIDCode'));
  const objects = children.flatMap((one) => codesIn(one, 'ParticipantObjectIDTypeCode'));
  const action = event.attributes['EventActionCode'] ?? '';
  const isTyped = rule.types === undefined || types.some((type) => rule.types?.test(type));
  const hasObject = rule.object === undefined || objects.some((one) => rule.object?.test(one));
  const isRequested = participants.some((one) => one.attributes['UserIsRequestor'] === 'true');
  return [
    ...(rule.actions.test(action) ? [] : [`${id}: action ${action}`]),
    ...(isTyped ? [] : [`${id}: types ${types.join(' ')}`]),
    ...(hasObject ? [] : [`${id}: objects ${objects.join(' ')}`]),
    ...(isRequested ? [] : [`${id}: nobody asked for it`]),
    ...(rule.roles ?? []).flatMap((role) => {
      const count = roles.filter((one) => one === role).length;
      return count === 1 ? [] : [`${id}: role ${role} stands ${count} times`];
    }),
  ];
}

function faultsOf({ tag, attributes, children, text }: Element): string[] {
  const rule = RULES[tag];
  if (rule === undefined) return [`${tag} is not in the grammar`];
  const { required, optional = {}, text: words = EMPTY } = rule;
  const inside = children.map((child) => ` ${child.tag}`).join('');
  const all: Readonly<Record<string, RegExp>> = { ...required, ...optional };
  return [
    ...(rule.children.test(inside) ? [] : [`${tag} holds${inside || ' nothing'}`]),
    ...Object.keys(required).flatMap((name) =>
      name in attributes ? [] : [`${tag} has no ${name}`],
    ),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      all[name]?.test(value) === true ? [] : [`${tag} ${name}="${value}"`],
    ),
    ...(words.test(text) ? [] : [`${tag} says ${text}`]),
    ...children.flatMap(faultsOf),
  ];
}
