import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, FaultPlan, type Verb } from './faults.js'
import { type FakeObject, FakeObjects } from './objects.js'
import { answerTo, type FakeAnswer, type FakeRequest, type FakeRules, failure } from './protocol.js'
import { FakeUploads } from './uploads.js'

/** How the double is set up; every field has a default. */
export interface FakeS3Options extends Partial<FakeRules> {
  /** Sum of all objects in bytes; a PUT beyond it answers 507. */
  readonly maxBytes?: number
  /** The double ends by itself after this long, in ms. */
  readonly maxLifeMs?: number
}

/** A request that arrived, and the status that was sent (undefined: the connection was cut). */
export interface SeenRequest {
  readonly verb: Verb
  readonly name: string
  readonly isConditional: boolean
  /** Bytes of the request's body. */
  readonly bytes: number
  status: number | undefined
}

/** A running double of S3. */
export interface FakeS3 {
  readonly endpoint: string
  readonly bucket: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** What it does wrong, and when. */
  readonly faults: FaultPlan
  /** All requests in the order they arrived. */
  readonly seen: readonly SeenRequest[]
  /** How many requests of a verb arrived since the last {@link forget}, or of all verbs. */
  count(verb?: Verb): number
  /** Empties {@link seen}. */
  forget(): void
  /** Names of all objects, ascending. */
  names(prefix?: string): string[]
  object(name: string): FakeObject | undefined
  /** Stores an object without a request. */
  store(name: string, bytes: Uint8Array, headers?: Record<string, string>): void
  /** Multipart uploads that were begun and neither completed nor aborted. */
  readonly uploads: Pick<FakeUploads, 'names' | 'clear'>
  close(): Promise<void>
}

const DEFAULT_MAX_BYTES = 512 * 2 ** 20
const DEFAULT_MAX_LIFE_MS = 15 * 60_000
const MAX_BODY_BYTES = 300 * 2 ** 20
const RULES: FakeRules = {
  bucket: 'lake',
  accessKeyId: 'FAKEACCESSKEY',
  maxKeys: 1_000,
  ignoresConditions: false,
  ignoresConditionOfUploads: false,
  minPartBytes: 5 * 2 ** 20,
}
const SECRET = 'fake-secret-that-must-not-be-shown'

/** Starts a double on a loopback port that the system chooses. It keeps no process alive and ends by itself. */
export async function startFakeS3(options: FakeS3Options = {}): Promise<FakeS3> {
  const { maxBytes = DEFAULT_MAX_BYTES, maxLifeMs = DEFAULT_MAX_LIFE_MS, ...rules } = options
  const fake = new Double({ ...RULES, ...rules }, maxBytes)
  const server = createServer((request, response) => void fake.serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const close = () => {
    clearTimeout(life)
    fake.stop()
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const life = setTimeout(close, maxLifeMs).unref()
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket: fake.rules.bucket,
    credentials: { accessKeyId: fake.rules.accessKeyId, secretAccessKey: SECRET },
    faults: fake.faults,
    seen: fake.seen,
    count: (verb) => fake.seen.filter((request) => verb === undefined || request.verb === verb).length,
    forget: () => void fake.seen.splice(0),
    names: (prefix) => fake.objects.names(prefix),
    object: (name) => fake.objects.get(name),
    store: (name, bytes, headers = {}) => void fake.objects.put(name, Buffer.from(bytes), headers, false),
    uploads: fake.uploads,
    close,
  }
}

class Double {
  readonly faults = new FaultPlan()
  readonly seen: SeenRequest[] = []
  readonly objects: FakeObjects
  readonly uploads = new FakeUploads()
  /** Requests that were answered and are not done yet, by name. */
  private readonly late = new Map<string, (() => void)[]>()
  private readonly timers = new Set<NodeJS.Timeout>()

  constructor(
    readonly rules: FakeRules,
    maxBytes: number,
  ) {
    this.objects = new FakeObjects(maxBytes)
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer)
  }

  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming).catch(() => undefined)
    if (request === undefined) {
      response.socket?.destroy()
      return
    }
    const { verb, name, headers, body } = request
    const isConditional = headers['if-none-match'] !== undefined
    const seen = { verb, name, isConditional, bytes: body.length, status: undefined }
    this.seen.push(seen)
    this.landBefore(name)
    const fault = this.faults.take(verb, name)
    if (fault === undefined) send(response, this.answer(request), verb, seen)
    else this.misbehave(fault, request, response, seen)
  }

  private answer(request: FakeRequest, rules = this.rules): FakeAnswer {
    return answerTo(request, this, rules)
  }

  private misbehave(fault: Fault, request: FakeRequest, response: ServerResponse, seen: SeenRequest): void {
    const reply = (answer: FakeAnswer) => send(response, answer, request.verb, seen)
    switch (fault.kind) {
      case 'status':
        reply(failure(fault.status, fault.code))
        break
      case 'slow':
        this.later(fault.delayMs, () => reply(this.answer(request)))
        break
      case 'lost-reply':
        this.answer(request)
        response.socket?.destroy()
        break
      case 'late':
        this.landLater(fault.when, request)
        if (fault.answer === 500) reply(failure(500, 'InternalError'))
        else response.socket?.destroy()
        break
      case 'duplicate':
        this.answer(request)
        reply(this.answer(request))
        break
      case 'ignore-condition':
        reply(this.answer(request, { ...this.rules, ignoresConditions: true }))
        break
      default:
        sendDamaged(response, this.answer(request), fault, seen)
    }
  }

  private landLater(when: 'before-next' | number, request: FakeRequest): void {
    const land = () => void this.answer(request)
    if (when === 'before-next') this.late.set(request.name, [...(this.late.get(request.name) ?? []), land])
    else this.later(when, land)
  }

  private landBefore(name: string): void {
    for (const land of this.late.get(name) ?? []) land()
    this.late.delete(name)
  }

  private later(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      work()
    }, delayMs)
    this.timers.add(timer)
  }
}

async function readRequest(incoming: IncomingMessage): Promise<FakeRequest> {
  const { pathname, searchParams: query } = new URL(incoming.url ?? '/', 'http://fake')
  const [bucket = '', ...parts] = pathname.slice(1).split('/')
  const verb = verbOf(incoming.method ?? '', query)
  const name = verb === 'LIST' ? (query.get('prefix') ?? '') : decodeURIComponent(parts.join('/'))
  return { verb, bucket, name, query, headers: incoming.headers, body: await readAll(incoming) }
}

function verbOf(method: string, query: URLSearchParams): Verb {
  if (method === 'GET' && query.get('list-type') === '2') return 'LIST'
  if (method === 'POST') return query.has('uploads') ? 'BEGIN' : 'COMPLETE'
  if (query.has('uploadId')) return method === 'PUT' ? 'PART' : 'ABORT'
  return method as Verb
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Error('body too large for the double')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, answer: FakeAnswer, verb: Verb, seen: SeenRequest): void {
  const { status, headers, body = '' } = answer
  seen.status = status
  response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers })
  response.end(verb === 'HEAD' ? undefined : body)
}

/** A GET's answer whose body is not what it should be. */
function sendDamaged(
  response: ServerResponse,
  answer: FakeAnswer,
  fault: Extract<Fault, { kind: 'truncate' | 'shorten' | 'stall' | 'corrupt' }>,
  seen: SeenRequest,
): void {
  const body = Buffer.from(answer.body ?? '')
  seen.status = answer.status
  if (fault.kind === 'corrupt') body.writeUInt8(body.readUInt8(0) ^ 1, 0)
  const sent = fault.kind === 'corrupt' ? body : body.subarray(0, fault.bytes)
  const announced = fault.kind === 'shorten' ? sent.length : body.length
  response.writeHead(answer.status, { 'content-length': String(announced), ...answer.headers })
  if (fault.kind === 'truncate') response.write(sent, () => response.socket?.destroy())
  else if (fault.kind === 'stall') response.write(sent)
  else response.end(sent)
}
