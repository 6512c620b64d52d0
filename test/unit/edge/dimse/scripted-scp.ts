/** A peer on a real port that answers each request as a test says; it takes every context. */
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { CommandAssembler, pdvsOf } from '../../../../edge/dimse/command-pdvs.ts';
import {
  type CommandFields,
  type CommandSet,
  encodeCommand,
} from '../../../../edge/dimse/command-set.ts';
import { startAcceptor } from '../../../../edge/ul/acceptor.ts';
import type { Association, AssociationEnd, Pdv } from '../../../../edge/ul/association.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';

/** A request as it came in whole. */
export interface Request {
  readonly command: CommandSet;
  readonly contextId: number;
  readonly dataSet: Buffer;
  readonly association: Association;
  /** Sends a response to this request. `over` replaces; `identifier` follows it. */
  respond(over: CommandFields, identifier?: Buffer): void;
}

export interface ScriptedScp {
  readonly port: number;
  readonly requests: Request[];
  /** Every PDV as it came. */
  readonly pdvs: Pdv[];
  readonly ends: AssociationEnd[];
  stop(): Promise<void>;
}

export interface Script {
  /** A request came in whole. */
  answer?: (request: Request) => void;
  /** A fragment came; a promise stops the reading. */
  onData?: (pdv: Pdv, association: Association) => Promise<void> | undefined;
  maxPduBytes?: number;
  accepts?: (abstractSyntaxUID: string) => boolean;
}

export async function startScriptedScp(script: Script): Promise<ScriptedScp> {
  const [requests, pdvs, ends] = [[] as Request[], [] as Pdv[], [] as AssociationEnd[]];
  const { maxPduBytes = 16_384, accepts = () => true } = script;
  const { dicom } = parseEdgeConfig({
    trust: 'RRK',
    dataDirectory: '/nowhere',
    dicom: { port: 0, maxPduBytes },
  });
  const acceptor = await startAcceptor({
    config: dicom,
    knownCallers: new Set(),
    negotiate: ({ abstractSyntaxUID, transferSyntaxUIDs: [transferSyntaxUID = ''] }) =>
      accepts(abstractSyntaxUID)
        ? { result: 'accept', transferSyntaxUID }
        : { result: 'abstract-syntax-not-supported' },
    log: silentLog,
    metrics: openMetrics({}),
    open(association) {
      const assembler = new CommandAssembler();
      let coming: { command: CommandSet; pieces: Buffer[] } | undefined;
      const tell = (contextId: number, command: CommandSet, dataSet: Buffer): void => {
        const respond: Request['respond'] = (over, identifier) => {
          const fields = {
            CommandField: (command.number('CommandField') ?? 0) | 0x8000,
            MessageIDBeingRespondedTo: command.number('MessageID'),
            ...over,
          };
          const bytes = encodeCommand(fields, identifier !== undefined);
          const all = pdvsOf({ contextId, isCommand: true, bytes }, association.maxPdvBytes);
          // Short ones in many fragments.
          const bytesEach = (identifier?.length ?? 0) > 10_000 ? association.maxPdvBytes : 50;
          if (identifier !== undefined)
            all.push(...pdvsOf({ contextId, isCommand: false, bytes: identifier }, bytesEach));
          association.write(all);
        };
        const request = { command, contextId, dataSet, association, respond };
        requests.push(request);
        script.answer?.(request);
      };
      const takeCommand = (pdv: Pdv): void => {
        const command = assembler.take(pdv);
        if (command?.hasDataSet) coming = { command, pieces: [] };
        else if (command !== undefined) tell(pdv.contextId, command, Buffer.alloc(0));
      };
      const takeDataSet = ({ contextId, isLast, bytes }: Pdv): void => {
        if (coming === undefined) return;
        coming.pieces.push(Buffer.from(bytes));
        if (isLast) tell(contextId, coming.command, Buffer.concat(coming.pieces));
      };
      return {
        onData(pdv) {
          pdvs.push(pdv);
          if (pdv.isCommand) takeCommand(pdv);
          else takeDataSet(pdv);
          return script.onData?.(pdv, association);
        },
        onRelease: () => Promise.resolve(),
        onEnd: (end) => void ends.push(end),
      };
    },
  });
  return { port: acceptor.port, requests, pdvs, ends, stop: () => acceptor.stop() };
}
