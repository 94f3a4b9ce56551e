/** The same server with another database in the path. Not by `new URL`, which refuses several hosts. */
export function databaseUrl(url: string, database: string): string {
  const match = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(url);
  if (match === null) throw new Error('MONGO_URL is no mongodb:// URL');
  return `${match[1]}/${database}${match[2] ?? ''}`;
}
