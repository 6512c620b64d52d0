/** For Fastify: zod checks what comes, no route has a JSON schema. Ajv would be a tenth of what a program loads at its start. */
function refuse(): never {
  throw new Error('a route has a JSON schema: routes are checked by zod');
}

export const NO_JSON_SCHEMAS = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
};
