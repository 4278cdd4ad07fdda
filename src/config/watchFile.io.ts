/** Watches a file by looking at it: twice a second, which works on every file system, and sees through links. */
import { stat } from "node:fs/promises";
import { FileChange } from "./fileChange.ts";

const LOOK_MS = 500;

/** Calls `onChange` when the file has changed and come to rest, also for what it finds at first. */
export function watchFile(file: string, onChange: () => void): { close(): void } {
  const change = new FileChange();
  let isLooking = false;
  const look = async () => {
    // A file system that hangs is not asked again before it has answered.
    if (isLooking) return;
    isLooking = true;
    const signature = await signatureOf(file);
    isLooking = false;
    if (change.see(signature)) onChange();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return { close: () => clearInterval(timer) };
}

async function signatureOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch {
    return undefined;
  }
}
