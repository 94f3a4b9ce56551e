import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * A certificate for `localhost` and 127.0.0.1 that signs itself, made anew for each test run: nothing expires and no key
 * lies in the repository. node:crypto makes keys but no certificates, so the few DER structures are written here.
 */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export function selfSignedCertificate(commonName = 'localhost'): Certificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = certificateBody(privateKey, commonName);
  const signature = sign('sha256', body, privateKey);
  const der = sequence(body, sequence(ECDSA_WITH_SHA256), tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const base64 = (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const ECDSA_WITH_SHA256 = objectId('06082a8648ce3d040302');
const COMMON_NAME = objectId('0603550403');
const BASIC_CONSTRAINTS = objectId('0603551d13');
const SUBJECT_ALT_NAME = objectId('0603551d11');

function certificateBody(key: KeyObject, commonName: string): Buffer {
  const name = sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(commonName)))));
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(8)]);
  const validity = sequence(utcTime('200101000000Z'), tagged(0x18, Buffer.from('20990101000000Z')));
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])));
  const authority = sequence(tagged(0x01, Buffer.from([0xff])));
  const extensions = sequence(
    sequence(BASIC_CONSTRAINTS, tagged(0x04, authority)),
    sequence(SUBJECT_ALT_NAME, tagged(0x04, names)),
  );
  const version3 = tagged(0xa0, tagged(0x02, Buffer.from([2])));
  const signedWith = sequence(ECDSA_WITH_SHA256);
  return sequence(version3, tagged(0x02, serial), signedWith, name, validity, name, spki, tagged(0xa3, extensions));
}

function utcTime(text: string): Buffer {
  return tagged(0x17, Buffer.from(text));
}

function objectId(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

/** DER wants the shortest form: one octet below 128, else their number and then the octets. */
function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
