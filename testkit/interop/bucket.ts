import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PagedSourceConfig } from '../../src/contracts/source-config.js'
import { BOUNDED } from '../../src/ingest/profiles.js'
import { systemClock } from '../../src/kernel/time.js'
import { makeBucket, makeFakeLake, radosgwSettings } from '../../src/lake/s3/s3-lake.fixture.js'
import { openS3Store } from '../../src/lake/s3/s3-store.js'
import type { ObjectStore } from '../../src/lake/store.js'
import { loadCity } from '../../src/main/load-city.js'
import { openOriginals } from '../../src/main/open-store.js'
import { connectStages, runPipeline } from '../../src/main/pipeline.js'
import { createEmbeddedQueue } from '../../src/queue/embedded/embedded-queue.js'
import { openSource } from '../../src/sources/open-source.js'
import { inProcessRunner, keysOf } from '../lake-fixture.js'
import { missingForRadosgw, startRadosgw } from '../radosgw/start.js'
import { sourceEffects } from '../test-city.js'
import { writeAwkwardCity } from './cities.js'
import { writeHistory } from './one-history.js'
import type { Verdict } from './verdict.js'
import { everyVersion } from './whole-lakes.js'

/** A lake that was written into a bucket, downloaded byte for byte: the double of S3, and radosgw where it is installed. */
export async function* buckets(folder: string): AsyncIterable<Verdict> {
  const fake = await makeFakeLake()
  try {
    yield* downloaded('double of S3', await fake.open(), join(folder, 'double'))
  } finally {
    await fake.close()
  }
  if (missingForRadosgw().length > 0) {
    process.stdout.write('left out: radosgw is not installed\n')
    return
  }
  const gateway = await startRadosgw()
  try {
    await makeBucket(gateway)
    const settings = radosgwSettings(gateway, 'cities/awkward', join(folder, 'scratch'))
    yield* downloaded('radosgw', await openS3Store(settings), join(folder, 'radosgw'))
  } finally {
    await gateway.stop()
  }
}

/** Runs a city and a long history in the bucket, and compares what a download gives. */
async function* downloaded(name: string, store: ObjectStore, folder: string): AsyncIterable<Verdict> {
  await mkdir(folder, { recursive: true })
  await runAwkwardCity(store, folder)
  await writeHistory(store, async () => {})
  const lake = join(folder, 'lake')
  await download(store, lake)
  yield* everyVersion(name, lake)
}

async function runAwkwardCity(store: ObjectStore, folder: string): Promise<void> {
  const { cityFile, mirror } = await writeAwkwardCity(folder)
  const parts = {
    ...{
      store,
      city: await loadCity(cityFile),
      queue: createEmbeddedQueue(),
      runner: inProcessRunner(store),
      ingestProfile: BOUNDED,
    },
    clock: systemClock,
    report: () => {},
    openSource: (name: string, config: PagedSourceConfig) =>
      openSource(name, config, sourceEffects({ mirror })),
    openOriginals: (from: string) => openOriginals(from, store.address),
  }
  connectStages(parts)
  const [failure] = await runPipeline(parts)
  if (failure !== undefined) throw failure.error
}

async function download(store: ObjectStore, folder: string): Promise<void> {
  for (const key of await keysOf(store)) {
    const file = join(folder, key)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, (await store.get(key)) as Uint8Array)
  }
}
