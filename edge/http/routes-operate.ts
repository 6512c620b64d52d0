/**
 * What the trust's engineer does from the status page: hold a destination, try it at once, let nobody new in before a
 * stop, decide on the quarantine, add a peer. Each goes back to the page, which says what was done.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { NewPeer } from '../configuration/add-peer.ts';
import { escaped, formOf, sendPage } from './own-page.ts';
import { HttpProblem } from './problem.ts';
import { type ReleaseOutcome, requireLocal } from './routes-local.ts';

export interface OperateParts {
  readonly trust: string;
  readonly log: Log;
  readonly releaseQuarantined: (id: string) => Promise<ReleaseOutcome | undefined>;
  readonly operate: {
    /** What can be held and tried. */
    readonly destinations: readonly string[];
    hold(peer: string): void;
    release(peer: string): void;
    retry(peer: string): void;
    drain(isOn: boolean): void;
    /** False: there is no such entry. */
    dropQuarantined(id: string): boolean;
    /** False: no build waits. */
    installUpgrade(): boolean;
    /** Durable when it returns. @throws GatewayError saying what is wrong with it */
    addPeer(peer: NewPeer): void;
    /** Starts all parts anew with the configuration in the file. */
    restart(): void;
  };
}

/** Time for the answer to reach the browser before the port closes. */
const RESTART_MS = 500;

export function serveOperate(app: FastifyInstance, parts: OperateParts): void {
  const { operate, log, releaseQuarantined } = parts;
  for (const [action, done] of [
    ['hold', 'held'],
    ['release', 'released'],
    ['retry', 'retried'],
  ] as const)
    app.post(`/peers/:name/${action}`, async (request, reply) => {
      requireLocal(request);
      const { name } = request.params as { name: string };
      // One that is in the configuration no longer can still be released.
      if (action !== 'release' && !operate.destinations.includes(name))
        throw new HttpProblem('NOT_FOUND', 'Nothing is delivered to a peer of this name.');
      operate[action](name);
      log.info('operator.peer', { peer: name, done });
      return reply.redirect(`/?done=${done}`, 303);
    });
  for (const [path, isOn] of [
    ['/drain', true],
    ['/drain/end', false],
  ] as const)
    app.post(path, async (request, reply) => {
      requireLocal(request);
      operate.drain(isOn);
      log.info('operator.drain', { isOn });
      return reply.redirect(`/?done=${isOn ? 'draining' : 'open'}`, 303);
    });
  app.post('/upgrade/install', async (request, reply) => {
    requireLocal(request);
    if (!operate.installUpgrade()) throw new HttpProblem('NOT_FOUND', 'No build waits.');
    log.info('operator.upgrade', {});
    return reply.redirect('/?done=installing', 303);
  });
  app.post('/quarantine/:id/file', async (request, reply) => {
    requireLocal(request);
    const id = idOf(request);
    const outcome = await releaseQuarantined(id);
    if (outcome === undefined) throw noEntry();
    const code = outcome.kind === 'fault' ? outcome.fault.code : '';
    log.info('quarantine.released', { id, outcome: outcome.kind, code });
    if (outcome.kind === 'fault')
      throw new HttpProblem('QUARANTINE_FAULT', `${code}: ${outcome.fault.detail}`);
    return reply.redirect('/?done=filed', 303);
  });
  app.post('/quarantine/:id/drop', async (request, reply) => {
    requireLocal(request);
    if (!operate.dropQuarantined(idOf(request))) throw noEntry();
    log.info('quarantine.dropped', { id: idOf(request) });
    return reply.redirect('/?done=dropped', 303);
  });
  servePeers(app, parts);
}

function servePeers(app: FastifyInstance, parts: OperateParts): void {
  const { operate, log } = parts;
  app.get('/peers/new', async (request, reply) => {
    requireLocal(request);
    return peerForm(reply, parts, { given: {}, fault: '' });
  });
  app.post('/peers', async (request, reply) => {
    requireLocal(request);
    const given = formOf(request);
    const { name = '', aeTitle = '', host = '', port = '', role = '' } = given;
    try {
      operate.addPeer({ name, aeTitle, host, port: Number(port), role });
    } catch (error) {
      if (!(error instanceof GatewayError) && !isUnwritable(error)) throw error;
      const fault = error instanceof GatewayError ? error.message : cannotWrite(codeOf(error));
      return peerForm(reply.status(400), parts, { given, fault });
    }
    log.info('operator.peer', { peer: name, done: 'added' });
    setTimeout(() => operate.restart(), RESTART_MS);
    return reply.redirect('/?done=peer-added', 303);
  });
}

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;

const noEntry = (): HttpProblem =>
  new HttpProblem('QUARANTINE_NOT_FOUND', 'There is no such entry in the quarantine.');

const isUnwritable = (error: unknown): boolean => /^E[A-Z]+$/.test(codeOf(error));
const cannotWrite = (code: string): string => `edge.yaml can't be written: ${code}`;

const FIELDS = [
  ['name', 'Name', 'As rules and messages name it: a-z, 0-9 and hyphens', 'text'],
  ['aeTitle', 'AE title', 'As it calls itself', 'text'],
  ['host', 'Host', 'Name or address in the trust', 'text'],
  ['port', 'Port', 'Where it listens, 104 or 11112 for many', 'number'],
] as const;
const ROLES = [
  ['modality', 'Modality: it sends'],
  ['workstation', 'Workstation: it queries and retrieves'],
  ['pacs', 'PACS'],
  ['archive', 'Archive'],
  ['ai', 'AI node'],
] as const;

function peerForm(
  reply: FastifyReply,
  { trust }: OperateParts,
  { given, fault }: { given: Readonly<Record<string, string>>; fault: string },
): FastifyReply {
  const fields = FIELDS.map(
    ([name, label, hint, type]) =>
      `<label>${label}<span class="hint">${hint}</span><input name="${name}" type="${type}" required value="${escaped(given[name] ?? '')}"></label>`,
  ).join('');
  const roles = ROLES.map(
    ([role, label]) =>
      `<option value="${role}"${given['role'] === role ? ' selected' : ''}>${label}</option>`,
  ).join('');
  const trouble = fault === '' ? '' : `<p class="trouble" role="alert">${escaped(fault)}</p>`;
  const body = `<h1>Add a peer</h1><p><a href="/">Edge of ${escaped(trust)}</a></p>${trouble}
<p>It is written into edge.yaml, whose earlier text is kept beside it, and the edge starts its parts anew: associations that are open are ended.</p>
<form class="fields" method="post" action="/peers">${fields}<label>What it is<select name="role">${roles}</select></label><button>Add it</button></form>`;
  return sendPage(reply, {
    title: `${fault === '' ? '' : 'Error: '}Add a peer – edge ${trust}`,
    body,
  });
}
