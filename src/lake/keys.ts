import { WardbookError } from '../kernel/errors.js'

const MAX_KEY_BYTES = 1024 // S3's limit

/** The key unchanged. @throws WardbookError 'bad-key' (report-bug) for an absolute, empty, dotted or overlong key */
export function checkKey(key: string): string {
  const parts = key.split('/')
  const wrong = parts.some((part) => part === '' || part === '.' || part === '..') || key.includes('\0')
  if (wrong || Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new WardbookError('bad-key', 'report-bug', `'${key}' is no object key`, { key })
  }
  return key
}

const PLAIN = /[A-Za-z0-9._-]/

/**
 * A value as one part of a key: ASCII letters, digits, `.`, `_` and `-` stay, every other byte becomes `%XX`.
 * Reversible by decodeURIComponent; never empty, `.` or `..`, whatever the value.
 * @see docs/adr/0003 on the names of partition folders
 */
export function encodeKeyPart(value: string): string {
  const encoded = [...Buffer.from(value, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
  return /^\.+$/.test(encoded) ? encoded.replaceAll('.', '%2E') : encoded
}

/** `column=value`, the folder of a partition. */
export function partitionFolder(column: string, value: string): string {
  return `${column}=${encodeKeyPart(value)}`
}

/** A key relative to a table as the log writes it: each part URI-encoded, so each `%` on disk becomes `%25`. */
export function toLogPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** The key on disk of a path in the log; the inverse of {@link toLogPath} and of other writers' encodings. */
export function fromLogPath(path: string): string {
  return path.split('/').map(decodeURIComponent).join('/')
}
