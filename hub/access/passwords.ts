/**
 * Passwords as scrypt makes them. RFC 7914; the cost is one of those that OWASP names: 32 MB and three passes.
 *
 *   password ─► scrypt ─► $scrypt$ln=15,r=8,p=3$salt$hash (PHC string)
 *
 * Two are worked on at a time: guesses from outside never take the machine's memory.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

export interface PasswordCost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

export const COST: PasswordCost = { ln: 15, r: 8, p: 3 };
const BYTES = 32;
const AT_ONCE = 2;
const LEAST_CHARACTERS = 12;
const MOST_CHARACTERS = 200;
const LEAST_DIFFERENT = 5;

/** @returns null: good enough. Else why not, in words for the person */
export function passwordFault(password: string, name: string): string | null {
  const characters = [...password];
  if (characters.length < LEAST_CHARACTERS)
    return `Enter a password of ${LEAST_CHARACTERS} characters or more: three random words are good`;
  if (characters.length > MOST_CHARACTERS)
    return `Enter a password of at most ${MOST_CHARACTERS} characters`;
  if (new Set(characters.map((one) => one.toLowerCase())).size < LEAST_DIFFERENT)
    return 'Enter a password that does not repeat a few characters';
  const words = name.toLowerCase().match(/\p{L}{4,}/gu) ?? [];
  const isOwnName = words.some((word) => password.toLowerCase().includes(word));
  return isOwnName ? 'Enter a password that your name is no part of' : null;
}

export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(16);
  return inWords(cost, salt, await derive(password, salt, cost));
}

const inWords = ({ ln, r, p }: PasswordCost, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;

/** Takes as long for an account that is not there. @param kept undefined: there is none */
export async function isPassword(
  password: string,
  kept: string | undefined,
  cost = COST,
): Promise<boolean> {
  const absent = inWords(cost, Buffer.alloc(16), Buffer.alloc(BYTES));
  const parts = FORM.exec(kept ?? absent) as RegExpExecArray;
  const [, ln, r, p, salt = '', hash = ''] = parts;
  const found = await derive(password, Buffer.from(salt, 'base64url'), {
    ...{ ln: Number(ln), r: Number(r), p: Number(p) },
  });
  return timingSafeEqual(found, Buffer.from(hash, 'base64url')) && kept !== undefined;
}

const FORM = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]{43})$/;

let running = 0;
const waiting: (() => void)[] = [];

/** Unicode in one form: the same keys on another keyboard give the same password. */
async function derive(password: string, salt: Buffer, { ln, r, p }: PasswordCost): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r };
  try {
    return await new Promise((resolve, reject) =>
      scrypt(password.normalize('NFKC'), salt, BYTES, options, (error, key) =>
        error === null ? resolve(key) : reject(error),
      ),
    );
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
