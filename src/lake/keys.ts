import { WardbookError } from '../kernel/errors.js'
import { sha256Hex } from '../kernel/ids.js'

const MAX_KEY_BYTES = 1024 // S3's limit
const MAX_PART_BYTES = 255 // a file name's limit: a lake may be copied from a bucket to a folder

/**
 * The key unchanged.
 * @throws WardbookError 'bad-key' (report-bug) for an absolute, empty, dotted or overlong key, and for text that UTF-8 cannot hold
 */
export function checkKey(key: string): string {
  if (key.split('/').every(isKeyPart) && isKeyText(key)) return key
  throw new WardbookError('bad-key', 'report-bug', `'${key}' is no object key`, { key })
}

/**
 * The prefix of a listing unchanged: the beginning of a key, empty for all keys.
 * @throws WardbookError 'bad-key' (report-bug) for a prefix with which no key begins
 */
export function checkPrefix(prefix: string): string {
  const begun = prefix.split('/').slice(0, -1)
  if (begun.every(isKeyPart) && isKeyText(prefix)) return prefix
  throw new WardbookError('bad-key', 'report-bug', `no object key begins with '${prefix}'`, { prefix })
}

function isKeyPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= MAX_PART_BYTES
}

function isKeyText(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_KEY_BYTES && text.isWellFormed() && !text.includes('\0')
}

const MAX_FOLDER_VALUE = 160 // characters: leaves room for a column name within a file name's limit
const SHOWN_FOLDER_VALUE = 120
const FOLDER_DIGEST_DIGITS = 24

const PLAIN = /[A-Za-z0-9._-]/

/**
 * A value as one part of a key: ASCII letters, digits, `.`, `_` and `-` stay, every other byte becomes `%XX`.
 * Reversible by decodeURIComponent; never `.` or `..`, whatever the value, and empty for the empty text only.
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

/**
 * `column=value`, the folder of a partition. It is for people: a long value is cut, and a digest keeps it apart from others
 * that begin alike (`~` is in no encoded value).
 */
export function partitionFolder(column: string, value: string): string {
  const encoded = encodeKeyPart(value)
  if (encoded.length <= MAX_FOLDER_VALUE) return `${column}=${encoded}`
  const begin = encoded.slice(0, SHOWN_FOLDER_VALUE).replace(/%.?$/, '')
  return `${column}=${begin}~${sha256Hex(value).slice(0, FOLDER_DIGEST_DIGITS)}`
}

/** A key relative to a table as the log writes it: each part URI-encoded, so each `%` on disk becomes `%25`. */
export function toLogPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** The key on disk of a path in the log; the inverse of {@link toLogPath} and of other writers' encodings. */
export function fromLogPath(path: string): string {
  return path.split('/').map(decodeURIComponent).join('/')
}
