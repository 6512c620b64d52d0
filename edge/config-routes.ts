/**
 * What edge.yaml says of routing: destinations beside the peers, AI models, projects of secondary use, and
 * the rules. Part of the edge's one schema; names that point nowhere are faults of the configuration.
 */
import * as z from 'zod';
import { Priority } from '../shared/contract/commands.ts';
import { TEACHING_COLLECTION } from '../shared/contract/teaching.ts';
import { tagOfName } from '../shared/dicom/keywords.ts';
import { readOptions } from './deidentify/options.ts';

const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a name: a-z, 0-9 and hyphens');
const Text = z.string().trim().min(1).max(200);

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day: 20:00');
const WindowSchema = z
  .strictObject({
    from: TimeOfDay,
    to: TimeOfDay,
    days: z
      .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
      .min(1)
      .default(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])
      .describe('on which it opens'),
  })
  .describe('local time, Europe/London; to before from: over midnight');

const RangeSchema = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'min, max, or both');

const Pattern = z
  .string()
  .max(200)
  .describe('* for any characters, ? for one; case does not count');

const ConditionSchema = z.strictObject({
  callers: z.array(Pattern).min(1).optional().describe('AE titles of who sent it'),
  attributes: z
    .record(
      z
        .string()
        .refine(
          (name) => tagOfName(name) !== undefined,
          'a keyword such as Modality, or a tag as (0018,1030)',
        ),
      z.union([Pattern, z.array(Pattern).min(1), RangeSchema]),
    )
    .optional()
    .describe('every one of them has one of its values'),
  received: WindowSchema.optional(),
  objectBytes: RangeSchema.optional(),
  studyBytes: RangeSchema.optional(),
  studyObjects: RangeSchema.optional(),
});

const common = {
  name: Name,
  when: ConditionSchema.prefault({}).describe('all of it is so; empty: always'),
  unless: ConditionSchema.optional().describe('and not all of this'),
};
const sending = {
  during: WindowSchema.optional().describe('sent then; before, it waits'),
  studiesPerHour: z.int().min(1).optional().describe('more wait'),
};

const RouteSchema = z.discriminatedUnion('action', [
  z.strictObject({
    ...common,
    action: z.literal('deliver'),
    to: z.array(Name).min(1).describe('peers, destinations, models'),
    ...sending,
  }),
  z.strictObject({
    ...common,
    action: z.literal('disclose'),
    project: Name.describe('to its destination, in its form, as far as its gate lets it'),
    ...sending,
  }),
  z.strictObject({
    ...common,
    action: z.literal('prioritise'),
    priority: Priority.describe('of what the rules below send; never lowered'),
  }),
  z.strictObject({
    ...common,
    action: z.literal('hold'),
    reason: Text.describe('what the rules below send waits for a person'),
  }),
  z.strictObject({
    ...common,
    action: z.literal('drop'),
    reason: Text.describe('the rules below are not tried; the object stays in the spool'),
  }),
]);

const StowSchema = z.strictObject({
  name: Name,
  stow: z.strictObject({
    url: z.url().describe('of the DICOMweb service: …/studies is behind it'),
    tokenFile: z.string().min(1).optional().describe('sent as a bearer token'),
    caFile: z.string().min(1).optional(),
  }),
});
const FolderSchema = z.strictObject({
  name: Name,
  folder: z.string().min(1).describe('Part 10 files are written there'),
});

const ModelSchema = z.strictObject({
  name: Name,
  peer: Name.describe('the node that runs it, of role ai'),
  version: Text.describe('stands in its results'),
  returnTo: z.array(Name).min(1).describe('the peers that get its results'),
  resultMinutes: z.int().min(1).default(60).describe('without one for so long: shown'),
  raisesTo: Priority.optional(),
  raisesOn: z
    .array(z.strictObject({ value: Text, scheme: Text }))
    .default([])
    .describe('codes that, in a result, raise the priority of what is still to be sent'),
});

const ProjectSchema = z
  .strictObject({
    name: Name,
    purpose: z
      .enum(['research', 'teaching', 'ai-evaluation', 'planning', 'direct-care'])
      .describe('direct-care: a model that gets studies without the patient, for his own care'),
    approval: Text.describe('by whom, and its number'),
    expires: z.iso.date().describe('the last day'),
    destination: Name.describe(
      'a peer, destination or model that no rule reaches otherwise; or teaching-collection',
    ),
    profile: z
      .enum(['basic', 'identifiable'])
      .describe('basic: de-identified, PS3.15 Annex E; identifiable: only who has not opted out'),
    options: z.array(z.string()).default([]).describe('of the profile, as of cdip deidentify'),
    keyFile: z.string().min(1).optional().describe('of its pseudonyms; kept apart, erasable'),
    masksFile: z.string().min(1).optional(),
  })
  .refine(
    ({ profile, keyFile }) => profile === 'identifiable' || keyFile !== undefined,
    'a de-identified project needs a keyFile',
  )
  .superRefine(({ options }, context) => {
    const read = readOptions(options);
    if ('fault' in read)
      context.addIssue({ code: 'custom', path: ['options'], message: read.fault });
  });

const SecondaryUseSchema = z
  .strictObject({
    sensitiveFile: z
      .string()
      .min(1)
      .optional()
      .describe('NHS numbers of S-flagged patients, one a line, beside what the PAS says'),
    optOutClearedFile: z
      .string()
      .min(1)
      .optional()
      .describe('NHS numbers that the national data opt-out service gave back as not opted out'),
    optOutMaxAgeDays: z.number().positive().max(21).default(7),
  })
  .prefault({});

/** The keys of edge.yaml that routing has. */
export const routeKeys = {
  models: z.array(ModelSchema).default([]).describe('AI that rules can send to, by name'),
  destinations: z.array(z.union([StowSchema, FolderSchema])).default([]),
  projects: z.array(ProjectSchema).default([]).describe('of secondary use'),
  secondaryUse: SecondaryUseSchema,
  routes: z.array(RouteSchema).default([]),
};

export type RouteRule = Readonly<z.output<typeof RouteSchema>>;
export type Model = Readonly<z.output<typeof ModelSchema>>;
export type Project = Readonly<z.output<typeof ProjectSchema>>;
export type SecondaryUse = Readonly<z.output<typeof SecondaryUseSchema>>;
export type RouteCondition = Readonly<z.output<typeof ConditionSchema>>;
export type RouteRange = Readonly<z.output<typeof RangeSchema>>;
export type RouteWindow = Readonly<z.output<typeof WindowSchema>>;
export type StowDestination = Readonly<z.output<typeof StowSchema>>;
export type FolderDestination = Readonly<z.output<typeof FolderSchema>>;

interface Named {
  readonly peers: readonly { readonly name: string; readonly role: string }[];
  readonly models: readonly Model[];
  readonly projects: readonly Project[];
  readonly destinations: readonly { readonly name: string }[];
  readonly routes: readonly RouteRule[];
}

interface Fault {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Names that stand twice or point nowhere, as faults of the schema. */
export function checkRouteNames(named: Named, context: z.RefinementCtx): void {
  const faults = [namedTwice, modelFaults, projectFaults, ruleFaults].flatMap((check) => [
    ...check(named),
  ]);
  for (const fault of faults) context.addIssue({ code: 'custom', ...fault });
}

/** Peers, destinations and models are named by rules: each name is one of them. Rules are named by themselves. */
function* namedTwice({ peers, destinations, models, projects, routes }: Named): Generator<Fault> {
  const targets = { reserved: [{ name: TEACHING_COLLECTION }], peers, destinations, models };
  for (const lists of [targets, { projects }, { routes }]) {
    const seen = new Set<string>();
    for (const [key, list] of Object.entries(lists))
      for (const [i, { name }] of list.entries()) {
        if (seen.has(name)) yield { path: [key, i, 'name'], message: `"${name}" is taken` };
        seen.add(name);
      }
  }
}

function* modelFaults({ peers, models }: Named): Generator<Fault> {
  const nodes = new Set(peers.filter(({ role }) => role === 'ai').map(({ name }) => name));
  const takers = new Set(peers.filter(({ role }) => role !== 'ai').map(({ name }) => name));
  for (const [i, { peer, returnTo }] of models.entries()) {
    if (!nodes.has(peer))
      yield { path: ['models', i, 'peer'], message: `no peer of role ai is named "${peer}"` };
    for (const [j, to] of returnTo.entries())
      if (!takers.has(to))
        yield {
          path: ['models', i, 'returnTo', j],
          message: `no peer that takes results is named "${to}"`,
        };
  }
}

/** What is for secondary use is reached through its project alone: no rule goes past the gate. */
function* ruleFaults(named: Named): Generator<Fault> {
  const { peers, destinations, models, projects, routes } = named;
  const targets = new Set([...peers, ...destinations, ...models].map(({ name }) => name));
  const gated = gatedBy(named);
  for (const [i, rule] of routes.entries()) {
    if (rule.action === 'disclose')
      yield* disclosureFaults(projects, { path: ['routes', i, 'project'], name: rule.project });
    for (const [j, to] of (rule.action === 'deliver' ? rule.to : []).entries()) {
      const path = ['routes', i, 'to', j];
      if (!targets.has(to)) yield { path, message: `nothing is named "${to}"` };
      else if (gated.has(to))
        yield { path, message: `"${to}" is of the project "${gated.get(to)}": action disclose` };
    }
  }
}

function* disclosureFaults(
  projects: readonly Project[],
  { path, name }: { path: Fault['path']; name: string },
): Generator<Fault> {
  const project = projects.find((one) => one.name === name);
  if (project === undefined) yield { path, message: `no project is named "${name}"` };
  if (project?.destination === TEACHING_COLLECTION)
    yield {
      path,
      message: 'a study comes into the teaching collection by a clinician, by no rule',
    };
}

/** A project's destination; of a model its node too, and whatever else runs there: it would see who it is. */
function gatedBy({ models, projects }: Named): ReadonlyMap<string, string> {
  const gated = new Map(projects.map(({ name, destination }) => [destination, name]));
  for (const { name, destination } of projects) {
    const node = models.find((model) => model.name === destination)?.peer;
    if (node === undefined) continue;
    for (const of of [node, ...models.filter(({ peer }) => peer === node).map((one) => one.name)])
      gated.set(of, gated.get(of) ?? name);
  }
  return gated;
}

function* projectFaults({ peers, destinations, models, projects }: Named): Generator<Fault> {
  const named = [...peers, ...destinations, ...models].map(({ name }) => name);
  const places = new Set([...named, TEACHING_COLLECTION]);
  const isModel = (name: string): boolean => models.some((model) => model.name === name);
  for (const [i, { destination, purpose, profile }] of projects.entries()) {
    if (!places.has(destination))
      yield { path: ['projects', i, 'destination'], message: `nothing is named "${destination}"` };
    if (purpose === 'direct-care' && (profile !== 'basic' || !isModel(destination)))
      yield {
        path: ['projects', i, 'purpose'],
        message: 'direct-care is for a model, and with the profile basic',
      };
  }
  yield* teachingFaults(projects);
}

/** In the collection of the network a study has pseudonyms alone, and one project's. */
function* teachingFaults(projects: readonly Project[]): Generator<Fault> {
  let isTaken = false;
  for (const [i, { destination, purpose, profile, options }] of projects.entries()) {
    if (destination !== TEACHING_COLLECTION) continue;
    if (isTaken)
      yield { path: ['projects', i, 'destination'], message: 'another project is for it' };
    isTaken = true;
    if (purpose !== 'teaching' || profile !== 'basic')
      yield {
        path: ['projects', i, 'purpose'],
        message: `${TEACHING_COLLECTION} is for the purpose teaching, and with the profile basic`,
      };
    if (options.includes('retain-uids'))
      yield { path: ['projects', i, 'options'], message: 'retain-uids would name the original' };
  }
}
