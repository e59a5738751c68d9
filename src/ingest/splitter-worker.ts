import { EventEmitter, once } from 'node:events'
import { closeSync, openSync, readSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { toErrorRecord } from '../kernel/errors.js'
import { divisionFromSettings } from './division-rule.js'
import { PageSplitter } from './split-pages.js'
import type { FromThread, ThreadStart, ToThread } from './splitter-messages.js'

const READ_BYTES = 256 * 1024

/** The thread of a `ThreadSplitter`: splits pages as their bytes come, out of their file or in blocks, each of which it gives back when it is read. */
async function serve(port: MessagePort, { folder, division }: ThreadStart): Promise<void> {
  const waiting: ToThread[] = []
  const arrivals = new EventEmitter()
  port.on('message', (message: ToThread) => {
    waiting.push(message)
    arrivals.emit('one')
  })
  const next = async (): Promise<ToThread> => {
    while (waiting.length === 0) await once(arrivals, 'one')
    return waiting.shift() as ToThread
  }
  const tell = (answer: FromThread, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(answer, [...transfer])

  async function* blocks(): AsyncGenerator<Uint8Array> {
    for (let message = await next(); message.kind === 'bytes'; message = await next()) {
      yield message.block.subarray(0, message.length)
      tell({ kind: 'block', block: message.block }, [message.block.buffer])
    }
  }

  /** What the file has so far; the one buffer is used again for the next piece. */
  async function* pieces(file: string): AsyncGenerator<Uint8Array> {
    const descriptor = openSync(file, 'r')
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    try {
      let at = 0
      for (let message = await next(); message.kind === 'grown'; message = await next())
        while (at < message.bytes) {
          const read = readSync(descriptor, buffer, 0, Math.min(READ_BYTES, message.bytes - at), at)
          if (read === 0) throw new Error(`${file} has become shorter than it was`)
          at += read
          yield buffer.subarray(0, read)
        }
    } finally {
      closeSync(descriptor)
    }
  }

  const splitter = await PageSplitter.open(folder, divisionFromSettings(division))
  for (let message = await next(); message.kind !== 'finish'; message = await next()) {
    if (message.kind !== 'page') continue
    const bytes = message.file === undefined ? blocks() : pieces(message.file)
    const page = await splitter.take({ ...message.page, bytes })
    tell({ kind: 'taken', page })
  }
  tell({ kind: 'split', split: await splitter.finish() })
}

const port = parentPort
if (port !== null) {
  serve(port, workerData as ThreadStart)
    .catch((thrown) =>
      port.postMessage({ kind: 'failed', error: toErrorRecord(thrown) } satisfies FromThread),
    )
    .finally(() => port.close())
}
