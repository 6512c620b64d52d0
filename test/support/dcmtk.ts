/**
 * DCMTK's tools as peers. storescu proposes only what its profile says, so a profile is written
 * that names every SOP class and transfer syntax of the files to send, up to 128 an association.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './missing-peer.ts';
import { readPart10 } from './part10.ts';

export interface ToolResult {
  readonly code: number;
  readonly output: string;
}

export interface Called {
  readonly port: number;
  readonly host?: string;
  readonly calledAETitle?: string;
  readonly callingAETitle?: string;
}

/**
 * Runs a tool of DCMTK to its end; a failure is a result, not an error.
 *
 * @param environment beside our own; `{}`: as DCMTK ships, which waits for acknowledgements of TCP
 */
export function runTool(
  name: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = { TCP_NODELAY: '1' },
): Promise<ToolResult> {
  return new Promise((resolve) => {
    execFile(
      programPath(name),
      [...args],
      { env: { ...process.env, ...environment }, maxBuffer: 64_000_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      },
    );
  });
}

const peer = ({ host = '127.0.0.1', port, calledAETitle, callingAETitle }: Called): string[] => [
  ...(calledAETitle === undefined ? [] : ['-aec', calledAETitle]),
  ...(callingAETitle === undefined ? [] : ['-aet', callingAETitle]),
  host,
  String(port),
];

export const echoscu = (called: Called): Promise<ToolResult> => runTool('echoscu', peer(called));

/**
 * Sends Part 10 files, each in its own transfer syntax, going on after a failure.
 *
 * @param args more options of storescu
 * @returns the worst exit code, and all it said (`-v`)
 */
export async function storescu(
  called: Called,
  files: readonly string[],
  args: readonly string[] = [],
): Promise<ToolResult> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-storescu-'));
  const results: ToolResult[] = [];
  try {
    for (const group of groupsOfContexts(files)) {
      const profile = join(directory, 'profile.cfg');
      writeFileSync(profile, storescuProfile(group.contexts));
      const options = ['-v', '-nh', '-xf', profile, 'Default', ...args];
      for (let at = 0; at < group.files.length; at += 500) {
        const some = group.files.slice(at, at + 500);
        results.push(await runTool('storescu', [...options, ...peer(called), ...some]));
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    code: Math.max(0, ...results.map((result) => result.code)),
    output: results.map((result) => result.output).join(''),
  };
}

interface Context {
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
}

function groupsOfContexts(files: readonly string[]): { contexts: Context[]; files: string[] }[] {
  const byContext = new Map<string, { context: Context; files: string[] }>();
  for (const file of files) {
    const { sopClassUID, transferSyntaxUID } = readPart10(file);
    const key = `${sopClassUID} ${transferSyntaxUID}`;
    const context = { abstractSyntax: sopClassUID, transferSyntax: transferSyntaxUID };
    const entry = byContext.get(key) ?? { context, files: [] };
    entry.files.push(file);
    byContext.set(key, entry);
  }
  const entries = [...byContext.values()];
  const groups: { contexts: Context[]; files: string[] }[] = [];
  for (let at = 0; at < entries.length; at += 128) {
    const some = entries.slice(at, at + 128);
    groups.push({
      contexts: some.map((entry) => entry.context),
      files: some.flatMap((entry) => entry.files),
    });
  }
  return groups;
}

/** The format of asconfig.txt of DCMTK. */
function storescuProfile(contexts: readonly Context[]): string {
  const syntaxes = [...new Set(contexts.map((context) => context.transferSyntax))];
  const name = (syntax: string): string => `TS${syntaxes.indexOf(syntax) + 1}`;
  return [
    '[[TransferSyntaxes]]',
    ...syntaxes.flatMap((syntax) => [`[${name(syntax)}]`, `TransferSyntax1 = ${syntax}`]),
    '[[PresentationContexts]]',
    '[Contexts]',
    ...contexts.map(
      ({ abstractSyntax, transferSyntax }, i) =>
        `PresentationContext${i + 1} = ${abstractSyntax}\\${name(transferSyntax)}`,
    ),
    '[[Profiles]]',
    '[Default]',
    'PresentationContexts = Contexts',
    '',
  ].join('\n');
}
