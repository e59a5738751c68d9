/** Where a JSON text stops being one, and why. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
  /**
   * @param byteOffset of the first byte that cannot stand there, from 0
   * @param truncated  true when the text simply ends too early
   */
  constructor(
    readonly byteOffset: number,
    readonly detail: string,
    readonly truncated = false,
  ) {
    super(`${detail} at byte ${byteOffset}`)
  }
}

/** What a listener wants of a value that begins: to be told of the values inside, or its bytes up to a number. */
export type Wanted = 'inside' | number

/** Who listens to a scan. Nothing is told of what lies inside a value whose bytes are wanted. */
export interface JsonListener {
  /** A member's name, as its token with quotes. The view is valid during the call only. */
  onKey(token: Uint8Array, depth: number): void
  /**
   * @param depth  containers that are open around the value
   * @param first  its first byte, from which its kind is seen
   * @param offset of that byte in the whole text
   */
  onStart(depth: number, first: number, offset: number): Wanted
  /**
   * The value has ended. For one that was entered, `bytes` is empty.
   * @param bytes  hold the value as sent in `[start, end)`, until the piece is read to its end; undefined when it is longer than was wanted
   * @param offset of its first byte in the whole text
   */
  onEnd(depth: number, bytes: Uint8Array | undefined, start: number, end: number, offset: number): void
}

/** Deepest nesting: no table needs more, and each level costs a byte. */
const MAX_DEPTH = 2_000

/** Longest member name in bytes that a listener is told; longer ones are cut, as nobody looks for them. */
const MAX_KEY_BYTES = 4_096

const NOTHING = new Uint8Array()

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const LINE_FEED = 0x0a

/** What may come next. */
const VALUE = 0
const VALUE_OR_CLOSE = 1
const KEY_OR_CLOSE = 2
const KEY = 3
const COLON = 4
const COMMA_OR_CLOSE = 5
const STRING = 6
const ESCAPE = 7
const NUMBER = 8
const LITERAL = 9
const DONE = 10

/** Where in a number the scan stands; after ZERO, WHOLE, FRACTION and POWER it may end. */
const MINUS = 0
const ZERO = 1
const WHOLE = 2
const POINT = 3
const FRACTION = 4
const EXPONENT = 5
const EXPONENT_SIGN = 6
const POWER = 7

const LITERALS: Readonly<Record<number, string>> = { 116: 'true', 102: 'false', 110: 'null' }

/**
 * Reads JSON byte by byte, in pieces of any size and constant memory, and accepts what `JSON.parse` accepts (RFC 8259). Bytes inside
 * strings are not checked to be UTF-8: the listener sees them.
 */
export class JsonScanner {
  private state = VALUE
  private readonly stack = new Uint8Array(MAX_DEPTH)
  private depth = 0
  /** Bytes in the pieces before this one. */
  private passed: number
  private inKey = false
  private number = MINUS
  private literal = ''
  private literalAt = 0
  /** 1 after a backslash, 2 to 5 inside `\uXXXX`. */
  private escape = 0
  private lineFeedSeen = false

  /** Depth of the value whose bytes are kept, or -1; of a key, its depth. */
  private keptDepth = -1
  private keptLimit = 0
  private keptOffset = 0
  private keptBytes = new Retained()
  private keptKey = false

  /** @param sequence whether values may follow one another, each on a line of its own (NDJSON); @param from offset of the first byte */
  constructor(
    private readonly listener: JsonListener,
    private readonly sequence: () => boolean,
    from = 0,
  ) {
    this.passed = from
  }

  /** Reads the next piece. @throws JsonFault */
  take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) at = this.step(chunk, at)
    if (this.keptDepth >= 0) this.keptBytes.append(chunk, this.keptOffset - this.passed, this.keptLimit)
    this.passed += chunk.length
  }

  /** No more pieces. @returns whether there was any value @throws JsonFault when the text is unfinished */
  end(): boolean {
    if (this.state === NUMBER && this.depth === 0) this.endNumber(NOTHING, 0)
    if (this.state === DONE) return true
    if (this.state === VALUE && this.depth === 0) return false
    throw new JsonFault(this.passed, 'the text ends in the middle', true)
  }

  private step(chunk: Uint8Array, at: number): number {
    switch (this.state) {
      case STRING:
        return this.inString(chunk, at)
      case ESCAPE:
        return this.inEscape(chunk, at)
      case NUMBER:
        return this.inNumber(chunk, at)
      case LITERAL:
        return this.inLiteral(chunk, at)
      default:
        return this.between(chunk, at)
    }
  }

  /** Blanks and punctuation between tokens, and the first byte of a token. */
  private between(chunk: Uint8Array, from: number): number {
    let at = from
    let byte = chunk[at] as number
    while (byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09) {
      if (byte === LINE_FEED && this.state === DONE) this.lineFeedSeen = true
      at += 1
      if (at === chunk.length) return at
      byte = chunk[at] as number
    }
    switch (this.state) {
      case COMMA_OR_CLOSE:
        if (byte === 0x2c) this.state = this.stack[this.depth - 1] === OPEN_OBJECT ? KEY : VALUE
        else this.close(chunk, at, byte)
        return at + 1
      case COLON:
        if (byte !== 0x3a) throw this.fault(at, "a ':' is missing")
        this.state = VALUE
        return at + 1
      case KEY_OR_CLOSE:
      case KEY:
        if (byte === QUOTE) this.startKey(at)
        else if (this.state === KEY_OR_CLOSE && byte === CLOSE_OBJECT) this.close(chunk, at, byte)
        else throw this.fault(at, 'a member name in quotes is missing')
        return at + 1
      case VALUE_OR_CLOSE:
        if (byte === CLOSE_LIST) {
          this.close(chunk, at, byte)
          return at + 1
        }
        return this.startValue(at, byte)
      case DONE:
        if (!this.lineFeedSeen || !this.sequence()) throw this.fault(at, 'something follows the end')
        return this.startValue(at, byte)
      default:
        return this.startValue(at, byte)
    }
  }

  private startKey(at: number): void {
    this.inKey = true
    this.state = STRING
    if (this.keptDepth < 0) {
      this.keptKey = true
      this.keep(at, MAX_KEY_BYTES)
    }
  }

  private startValue(at: number, byte: number): number {
    if (this.keptDepth < 0) {
      const wanted = this.listener.onStart(this.depth, byte, this.passed + at)
      if (wanted !== 'inside') this.keep(at, wanted)
    }
    if (byte === QUOTE) this.state = STRING
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.open(at, byte)
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.state = NUMBER
      this.number = byte === 0x2d ? MINUS : byte === 0x30 ? ZERO : WHOLE
    } else {
      const literal = LITERALS[byte]
      if (literal === undefined) throw this.fault(at, 'no value begins so')
      this.literal = literal
      this.literalAt = 1
      this.state = LITERAL
    }
    return at + 1
  }

  private open(at: number, byte: number): void {
    if (this.depth === MAX_DEPTH) throw this.fault(at, `nested deeper than ${MAX_DEPTH} levels`)
    this.stack[this.depth] = byte
    this.depth += 1
    this.state = byte === OPEN_OBJECT ? KEY_OR_CLOSE : VALUE_OR_CLOSE
  }

  private close(chunk: Uint8Array, at: number, byte: number): void {
    const opened = this.depth === 0 ? 0 : this.stack[this.depth - 1]
    const fits = opened === OPEN_OBJECT ? byte === CLOSE_OBJECT : opened === OPEN_LIST && byte === CLOSE_LIST
    if (!fits) throw this.fault(at, "a ',' or the end of the list or object is missing")
    this.depth -= 1
    this.endValue(chunk, at + 1)
  }

  private inString(chunk: Uint8Array, from: number): number {
    const length = chunk.length
    let at = from
    let byte = 0
    while (at < length) {
      byte = chunk[at] as number
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break
      at += 1
    }
    if (at === length) return at
    if (byte < 0x20) throw this.fault(at, 'a line end or control character inside a text')
    if (byte === BACKSLASH) {
      this.state = ESCAPE
      this.escape = 1
    } else if (this.inKey) this.endKey(chunk, at + 1)
    else this.endValue(chunk, at + 1)
    return at + 1
  }

  private inEscape(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number
    if (this.escape === 1) {
      if (byte === 0x75) this.escape = 2
      else if (ESCAPED.includes(byte)) this.state = STRING
      else throw this.fault(at, 'no such escape')
    } else if (!isHex(byte)) throw this.fault(at, 'four hexadecimal digits are missing')
    else if (this.escape === 5) this.state = STRING
    else this.escape += 1
    return at + 1
  }

  private inNumber(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      const next = nextInNumber(this.number, chunk[at] as number)
      if (next < 0) {
        this.endNumber(chunk, at)
        return at
      }
      this.number = next
      at += 1
    }
    return at
  }

  private endNumber(chunk: Uint8Array, at: number): void {
    const { number } = this
    if (number !== ZERO && number !== WHOLE && number !== FRACTION && number !== POWER) {
      throw this.fault(at, 'a digit is missing', at === chunk.length)
    }
    this.endValue(chunk, at)
  }

  private inLiteral(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      if (chunk[at] !== this.literal.charCodeAt(this.literalAt)) throw this.fault(at, `not '${this.literal}'`)
      at += 1
      this.literalAt += 1
      if (this.literalAt === this.literal.length) {
        this.endValue(chunk, at)
        return at
      }
    }
    return at
  }

  private endKey(chunk: Uint8Array, end: number): void {
    this.inKey = false
    this.state = COLON
    if (!this.keptKey) return
    this.keptKey = false
    this.keptDepth = -1
    const start = this.keptOffset - this.passed
    const token = start >= 0 ? chunk.subarray(start, end) : this.keptBytes.whole(chunk, end, this.keptLimit)
    this.listener.onKey(token ?? NOTHING, this.depth)
  }

  private endValue(chunk: Uint8Array, end: number): void {
    this.state = this.depth === 0 ? DONE : COMMA_OR_CLOSE
    this.lineFeedSeen = false
    if (this.keptDepth < 0) this.listener.onEnd(this.depth, NOTHING, 0, 0, this.passed + end)
    else if (this.keptDepth === this.depth && !this.keptKey) this.endKept(chunk, end)
  }

  private endKept(chunk: Uint8Array, end: number): void {
    this.keptDepth = -1
    const start = this.keptOffset - this.passed
    if (start >= 0) {
      const bytes = end - start > this.keptLimit ? undefined : chunk
      this.listener.onEnd(this.depth, bytes, start, end, this.keptOffset)
    } else {
      const bytes = this.keptBytes.whole(chunk, end, this.keptLimit)
      this.listener.onEnd(this.depth, bytes, 0, bytes?.length ?? 0, this.keptOffset)
    }
  }

  private keep(at: number, limit: number): void {
    this.keptDepth = this.depth
    this.keptLimit = limit
    this.keptOffset = this.passed + at
    this.keptBytes.clear()
  }

  private fault(at: number, detail: string, truncated = false): JsonFault {
    return new JsonFault(this.passed + at, detail, truncated)
  }
}

/** `"`, `\`, `/`, b, f, n, r, t */
const ESCAPED: readonly number[] = [0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
}

/** The next place in a number, or -1 when the byte does not belong to it. */
function nextInNumber(place: number, byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) {
    if (place === WHOLE || place === FRACTION || place === POWER) return place
    if (place === MINUS) return byte === 0x30 ? ZERO : WHOLE
    if (place === POINT) return FRACTION
    return place === ZERO ? -1 : POWER
  }
  if (byte === 0x2e) return place === ZERO || place === WHOLE ? POINT : -1
  if (byte === 0x65 || byte === 0x45)
    return place === ZERO || place === WHOLE || place === FRACTION ? EXPONENT : -1
  return (byte === 0x2b || byte === 0x2d) && place === EXPONENT ? EXPONENT_SIGN : -1
}

/** Bytes of a value whose beginning lies in earlier pieces. */
class Retained {
  private buffer = Buffer.alloc(0)
  private length = 0
  private dropped = false

  clear(): void {
    this.length = 0
    this.dropped = false
  }

  /** Takes the rest of a piece from `from` on (from its beginning when negative); nothing once there is more than `limit`. */
  append(chunk: Uint8Array, from: number, limit: number, to = chunk.length): void {
    const start = Math.max(0, from)
    const total = this.length + to - start
    if (this.dropped || total > limit) {
      this.dropped = true
      return
    }
    if (total > this.buffer.length) {
      const grown = Buffer.alloc(Math.max(4_096, total, this.buffer.length * 2))
      this.buffer.copy(grown, 0, 0, this.length)
      this.buffer = grown
    }
    this.buffer.set(chunk.subarray(start, to), this.length)
    this.length = total
  }

  /** The value, which ends before `end` of this piece; undefined when it is longer than the limit. */
  whole(chunk: Uint8Array, end: number, limit: number): Uint8Array | undefined {
    this.append(chunk, 0, limit, end)
    const whole = this.buffer.subarray(0, this.length)
    this.buffer = Buffer.alloc(0) // it is the listener's until the piece ends
    return this.dropped ? undefined : whole
  }
}
