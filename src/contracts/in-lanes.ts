/**
 * Works on items, at most `lanes` at a time, and gives the results in the order of the items. When a piece of work fails, or the caller stops
 * taking results, what is under way is waited for and nothing else begins.
 * @param lanes 1 or more
 */
export async function* inLanes<Item, Result>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<{ item: Item; result: Result }> {
  const running: Promise<Result>[] = []
  let next = 0
  try {
    for (const item of items) {
      for (; next < items.length && running.length < lanes; next++) running.push(work(items[next] as Item))
      for (const one of running) one.catch(() => undefined) // told when its turn comes
      const result = await (running[0] as Promise<Result>)
      running.shift()
      yield { item, result }
    }
  } finally {
    await Promise.allSettled(running)
  }
}
