/** Watches a file by looking at it: twice a second, which works on every file system, and sees through links. */
import { stat } from "node:fs/promises";
import { FileChange } from "./fileChange.ts";

const LOOK_MS = 500;
const LOOKS_AT_REST = 20;

export interface WatchEvents {
  /** The file has changed and come to rest. Also called for what is there at first. */
  readonly onChange: () => void;
  /** Called every ten seconds while the file stays as it is. */
  readonly onRest: () => void;
}

export function watchFile(file: string, { onChange, onRest }: WatchEvents): { close(): void } {
  const change = new FileChange();
  let isLooking = false;
  let looks = 0;
  const look = async () => {
    // A file system that hangs is not asked again before it has answered.
    if (isLooking) return;
    isLooking = true;
    const signature = await signatureOf(file);
    isLooking = false;
    looks++;
    if (change.see(signature)) {
      looks = 0;
      onChange();
    } else if (looks % LOOKS_AT_REST === 0) onRest();
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
