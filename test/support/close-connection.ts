export interface Management {
  /** Without credentials. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/**
 * Ends a connection by its client-given name, as an operator does. RabbitMQ lists a new connection only with its next
 * round of statistics and announces that to nobody, so the list is asked for until it is there; the test's timeout
 * bounds it.
 */
export async function closeConnection(management: Management, name: string): Promise<void> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${management.user}:${management.password}`).toString('base64')}`,
  };
  const base = `${management.url}/api/connections`;
  for (;;) {
    const listed = (await (await fetch(base, { headers })).json()) as { name: string; user_provided_name?: string }[];
    const found = listed.find((connection) => connection.user_provided_name === name);
    if (found !== undefined) {
      await fetch(`${base}/${encodeURIComponent(found.name)}`, { method: 'DELETE', headers });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
