import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { exchangeKey, INDEX_FILE, type MirroredAnswer, parseIndex, withoutSecretNames } from './exchange.js'
import { Asked } from './mirror.js'

/** Headers that a reader looks at. Lengths and encodings are those of the transfer, and the body is kept as it was read. */
const KEPT_HEADERS: readonly string[] = [
  ...['etag', 'last-modified', 'content-type', 'retry-after'],
  ...[
    'x-soda2-fields',
    'x-soda2-types',
    'x-soda2-legacy-types',
    'x-soda2-truth-last-modified',
    'x-soda2-data-out-of-date',
  ],
  ...[
    'x-socrata-requestid',
    'x-request-id',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
  ],
]

/** What passes: a file in the making, and failures. What the portal says afterwards is kept. */
const TRANSIENT_STATUSES: readonly number[] = [202, 408, 425, 429, 500, 502, 503, 504]

/** Recorded answers after which the index is written for the first time; later at every tenth more. */
const FIRST_INDEX_AT = 20

/** A fetch that keeps what it hears. */
export interface Recording {
  readonly fetch: typeof fetch
  /** Writes the index of all answers that were heard whole. */
  finish(): Promise<void>
}

/**
 * Makes a folder with `mirror.json` that {@link import('./mirror.js').mirrorFetch} answers from. Requests go to the network; answers that were heard to
 * their ends are kept, with status and the headers that matter. Of two answers to the same request the later one counts. Secrets
 * are never written: neither request headers, nor parameters and redirects that carry one, nor the text of a POST.
 */
export function recordingFetch(fetcher: typeof fetch, folder: string): Recording {
  const book = new Book(folder)
  return {
    fetch: async (input, init = {}) => {
      const asked = new Asked(input, init)
      const response = await fetcher(input as string, init)
      if (TRANSIENT_STATUSES.includes(response.status)) return response
      const key = exchangeKey(asked.url, asked.body)
      const answer = { status: response.status, headers: keptHeaders(response) }
      const onlyLooks = asked.method === 'HEAD' || asked.headers.has('range')
      if (response.body === null || onlyLooks) {
        if (!onlyLooks || response.status === 404) await book.keep(key, answer)
        return response
      }
      const { status, statusText, headers } = response
      return new Response(book.tee(response.body, key, answer), { status, statusText, headers })
    },
    finish: () => book.writeIndex(),
  }
}

function keptHeaders(response: Response): Record<string, string> {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const location = response.headers.get('location')
  return Object.fromEntries(location === null ? kept : [...kept, ['location', withoutSecretNames(location)]])
}

class Book {
  private readonly answers = new Map<string, MirroredAnswer>()
  private nextIndexAt = FIRST_INDEX_AT
  private begun: Promise<void> | undefined
  private writing: Promise<void> = Promise.resolve()

  constructor(private readonly folder: string) {}

  async keep(key: string, answer: MirroredAnswer): Promise<void> {
    await this.begin()
    this.answers.set(key, answer)
    if (this.answers.size < this.nextIndexAt) return
    this.nextIndexAt = Math.ceil(this.answers.size * 1.1)
    await this.writeIndex()
  }

  /** The body as it passes; its copy is kept when it ends as it should. */
  tee(body: ReadableStream<Uint8Array>, key: string, answer: MirroredAnswer): ReadableStream<Uint8Array> {
    const chunks = this.copied(body, key, answer)
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => void (await chunks.return(undefined)),
    })
  }

  private async *copied(body: ReadableStream<Uint8Array>, key: string, answer: MirroredAnswer) {
    await this.begin()
    const part = join(this.folder, 'bodies', `${randomUUID()}.part`)
    const out = createWriteStream(part)
    const hash = createHash('sha256')
    let isWhole = false
    try {
      for await (const chunk of body) {
        hash.update(chunk)
        if (!out.write(chunk)) await once(out, 'drain')
        yield chunk
      }
      isWhole = true
    } finally {
      await finished(out.end())
      if (isWhole) await this.keepBody(part, hash.digest('hex'), key, answer)
      else await rm(part, { force: true })
    }
  }

  private async keepBody(part: string, sha256: string, key: string, answer: MirroredAnswer): Promise<void> {
    const file = `bodies/${sha256}`
    await rename(part, join(this.folder, file))
    await this.keep(key, { ...answer, file })
  }

  private begin(): Promise<void> {
    this.begun ??= this.open()
    return this.begun
  }

  /** What an earlier recording in the same folder kept stays. */
  private async open(): Promise<void> {
    await mkdir(join(this.folder, 'bodies'), { recursive: true })
    const file = join(this.folder, INDEX_FILE)
    const text = await readFile(file, 'utf8').catch(() => '{}')
    for (const [key, answer] of Object.entries(parseIndex(text, file))) this.answers.set(key, answer)
  }

  writeIndex(): Promise<void> {
    this.writing = this.writing.then(async () => {
      await this.begin()
      const file = join(this.folder, INDEX_FILE)
      await writeFile(`${file}.part`, `${JSON.stringify(Object.fromEntries(this.answers), undefined, 1)}\n`)
      await rename(`${file}.part`, file)
    })
    return this.writing
  }
}
