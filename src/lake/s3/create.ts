import { randomUUID } from 'node:crypto'
import type { Bucket } from './bucket.js'
import type { Prepared } from './content.js'
import { type Attempted, FailedTry, readFailure } from './failure.js'
import type { Tries } from './tries.js'

/**
 * Creates an object by one PUT if its name is free; when the name turns out to be taken, one HEAD follows.
 *
 * - 2xx: created. 412: the name is taken, perhaps by an earlier try of ours whose reply was lost, so the object's
 *   put-id is read: ours means created, another's means exists.
 * - 409, a timeout, a cut connection, 5xx: the same bytes again, until an answer is definite. A try that lands late finds
 *   the name taken and changes nothing.
 * - Patience ends: 'outcome-unknown' (retry). It may still land: do the same again, with content that tells that it is yours.
 *
 * @see spec of the ledger, W2; the put-id is the way of SlateDB's retrying store
 */
export function createIfAbsent(
  bucket: Bucket,
  tries: Tries,
  what: Attempted,
  name: string,
  content: Prepared,
): Promise<'created' | 'exists'> {
  const putId = randomUUID()
  return tries.run(what, content.size, async (signal) => {
    try {
      await bucket.put(name, content, signal, putId)
      return 'created'
    } catch (thrown) {
      if (readFailure(thrown).kind !== 'taken') throw thrown
      return demandHolder(bucket, name, putId, signal)
    }
  })
}

async function demandHolder(
  bucket: Bucket,
  name: string,
  putId: string,
  signal: AbortSignal,
): Promise<'created' | 'exists'> {
  const holder = await holderOf(bucket, name, putId, signal)
  if (holder === undefined) throw new FailedTry('passing', 'the name was taken, and then there was no object')
  return holder
}

/** Who holds a name: 'created' when it is the writer of this put-id, 'exists' when it is another; undefined when it is free. */
export async function holderOf(
  bucket: Bucket,
  name: string,
  putId: string,
  signal: AbortSignal,
): Promise<'created' | 'exists' | undefined> {
  const holder = await bucket.head(name, signal)
  return holder && (holder.putId === putId ? 'created' : 'exists')
}
