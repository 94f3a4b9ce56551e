/**
 * Takes secrets out of text that is about to be logged or printed: passwords in URLs, and URL parameters that hold one.
 * Rather too much than too little: with an unescaped `@` in the password everything up to the last `@` goes.
 */
export function redactSecrets(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(USER_INFO, '$1***@').replace(SECRET_PARAMETER, '$1***');
}

const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`]*:)[^\s"'`]+@/gi;
const SECRET_PARAMETER = /([?&](?:[a-z]*password|passphrase|secret|token|authMechanismProperties)=)[^&\s"'`]+/gi;
