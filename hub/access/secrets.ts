/** Secrets of 256 random bits, and how they are known again: by SHA-256, since nobody guesses one. */
import { createHash, randomBytes } from 'node:crypto';

export const secret = (): string => randomBytes(32).toString('base64url');
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
