/**
 * Reading a configuration: one YAML file, `CDIP_*` variables over it, one strict schema, every
 * fault in one error. Frozen afterwards: nothing is checked again.
 *
 *   FILE ──yaml──► raw ◄──override── CDIP_DICOM_PORT=104
 *                   └──schema──► frozen value │ ConfigError naming every fault
 */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { GatewayError, type Retry } from './errors.ts';

/** The configuration was refused; `message` lists every fault with its path. */
export class ConfigError extends GatewayError {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly retry: Retry = 'never';
}

/**
 * @param file path of the YAML file
 * @param environment variables, of which those named `CDIP_*` override single values
 * @throws ConfigError for a file that can't be read or is not YAML, unknown keys, and all faults of values at once
 */
export function readConfig<S extends z.ZodType>(
  file: string,
  schema: S,
  environment: NodeJS.ProcessEnv,
): Readonly<z.output<S>> {
  return parseConfig(readYaml(file), schema, environment);
}

/** As {@link readConfig}, from what the YAML held. */
export function parseConfig<S extends z.ZodType>(
  raw: unknown,
  schema: S,
  environment: NodeJS.ProcessEnv = {},
): Readonly<z.output<S>> {
  const result = schema.safeParse(override(raw ?? {}, schema, environment));
  if (!result.success)
    throw new ConfigError(z.prettifyError(result.error), { cause: result.error });
  return deepFreeze(result.data);
}

/** What a YAML file holds. @throws ConfigError when it can't be read, or is none */
export function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`✖ ${file} can't be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => `✖ ${file}: ${error.message}`).join('\n'));
  }
  return document.toJS();
}

type Tree = Record<string, unknown>;

/** Puts the values of `CDIP_*` variables where their names say: `CDIP_DICOM_AE_TITLE` is `dicom.aeTitle`. */
function override(raw: unknown, schema: z.ZodType, environment: NodeJS.ProcessEnv): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const tree = structuredClone(raw) as Tree;
  for (const path of leafPaths(schema)) {
    const text = environment[`CDIP_${path.map(upperSnake).join('_')}`];
    if (text !== undefined) setAt(tree, path, parseScalar(text));
  }
  return tree;
}

const upperSnake = (key: string): string =>
  key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();

/** Every path of the schema that ends in a value rather than an object. */
function leafPaths(schema: z.ZodType): string[][] {
  const inner = unwrap(schema);
  // Of alternatives each may be meant; which keys go together the schema says afterwards.
  if (inner instanceof z.ZodUnion)
    return inner.options.flatMap((option) => leafPaths(option as z.ZodType));
  if (!(inner instanceof z.ZodObject)) return [[]];
  return Object.entries(inner.shape).flatMap(([key, child]) =>
    leafPaths(child as z.ZodType).map((path) => [key, ...path]),
  );
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const child = tree[key];
  const branch = typeof child === 'object' && child !== null ? (child as Tree) : {};
  tree[key] = branch;
  setAt(branch, rest, value);
}

/** A variable's text as YAML reads it: number, boolean, list, or the text itself. */
function parseScalar(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? text : document.toJS();
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
