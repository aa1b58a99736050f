import { type FocusEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

interface Props {
  label: ReactNode;
  /** The panel's accessible name. */
  name: string;
  primary?: boolean;
  className?: string;
  /** A change of this value closes the panel. */
  until?: unknown;
  /** The panel's content, which may close it. */
  children: ReactNode | ((close: () => void) => ReactNode);
}

/** A button with a panel. Escape closes the panel, and so does a loss of focus if it covers the page. */
export function Disclosure({ label, name, primary, className = "", until, children }: Props) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (open) close();
  }, [until]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      close();
    }
  };
  const onBlur = ({ relatedTarget, currentTarget }: FocusEvent) => {
    // On a narrow screen the panel pushes the page down: closing it would move the target of the click.
    const covers = panel.current && getComputedStyle(panel.current).position === "absolute";
    if (covers && relatedTarget instanceof Node && !currentTarget.contains(relatedTarget)) setOpen(false);
  };
  return (
    <div className={`disclosure ${className}`} onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={button}
        type="button"
        className={primary ? "primary" : ""}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      <div ref={panel} id={id} className="panel" role="region" aria-label={name} hidden={!open}>
        {open && (typeof children === "function" ? children(close) : children)}
      </div>
    </div>
  );
}
