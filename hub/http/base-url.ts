/** How this hub is addressed by who asks: as it is configured, else by the name that was asked. */
import type { FastifyRequest } from 'fastify';
import type { HttpParts } from './parts.ts';

export const baseUrlOf = (
  { config: { http } }: Pick<HttpParts, 'config'>,
  { protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>,
): string => http.publicUrl?.replace(/\/+$/, '') ?? `${protocol}://${host}`;
