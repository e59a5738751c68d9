import { WardbookError } from '../../kernel/errors.js'

/** How an answer is asked for; the real one is `fetch` itself. */
export type Fetch = (address: string, options: { readonly signal: AbortSignal }) => Promise<Response>

const ANSWER_WITHIN_MS = 60_000
const MAX_ANSWER_BYTES = 64 * 2 ** 20 // a page of a thousand findings has less than one MiB

/**
 * Asks a server for JSON. One answer is at most 64 MiB, and comes within a minute.
 * @throws WardbookError 'api-unreachable', 'api-failed' (retry), 'api-unusable' (fix-config)
 */
export async function readAnswer(address: string, fetch: Fetch): Promise<unknown> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
  const response = await fetch(address, { signal }).catch((cause) => {
    throw unreachable(address, cause)
  })
  if (!response.ok) throw refusal(address, response.status)
  const text = await readText(address, response)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `${address} answers something that is no JSON: is this a server of wardbook?`
    throw new WardbookError('api-unusable', 'fix-config', message, { address }, { cause })
  }
}

async function readText(address: string, response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) throw tooLong(address)
      chunks.push(chunk)
    }
  } catch (thrown) {
    throw thrown instanceof WardbookError ? thrown : unreachable(address, thrown)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLong(address: string): WardbookError {
  const message = `${address} answers with more than ${MAX_ANSWER_BYTES} bytes: is this a server of wardbook?`
  return new WardbookError('api-unusable', 'fix-config', message, { address })
}

function unreachable(address: string, cause: unknown): WardbookError {
  const { origin } = new URL(address)
  const message = `nobody answers at ${origin}: start the pages first, for example with wardbook demo, or name their address with --url`
  return new WardbookError('api-unreachable', 'retry', message, { address }, { cause })
}

function refusal(address: string, status: number): WardbookError {
  const facts = { address, status }
  if (status >= 500 || status === 429) {
    const message = `${address} answers with status ${status}: try again when its server is well`
    return new WardbookError('api-failed', 'retry', message, facts)
  }
  const message = `${address} answers with status ${status}: the score needs a server of wardbook that has this address (an earlier release has not)`
  return new WardbookError('api-unusable', 'fix-config', message, facts)
}
