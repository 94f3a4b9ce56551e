/** URLs of the real servers that tests may use; scripts/test.ts finds or starts them and sets the variables. */
export const amqpUrl: string | undefined = process.env['AMQP_URL'];
export const mongoUrl: string | undefined = process.env['MONGO_URL'];
export const managementUrl: string | undefined = process.env['MANAGEMENT_URL'];

/** Test options that skip, with a reason, when one of the servers is not there. */
export function needs(...urls: readonly (string | undefined)[]): { skip: string | false } {
  return { skip: urls.includes(undefined) ? 'needs a server that is not there (AMQP_URL, MONGO_URL)' : false };
}
