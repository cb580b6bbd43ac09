"""One way to hash JPEGs, in an environment of its own: a path a line in, CPU seconds and the hash a line out.

imagededup's package imports its neural networks beside PHash, and torch with them; those modules are replaced by empty
ones, so that torch need not be installed. PHash uses nothing of them.
"""

import sys
import time
from types import ModuleType


def main() -> None:
    """Answer until the input ends."""
    if sys.argv[1] == "imagehash":
        import imagehash
        from PIL import Image

        def hashed(path: str) -> str:
            return str(imagehash.phash(Image.open(path)))

    else:
        for name, member in (("methods.cnn", "CNN"), ("utils.models", "CustomModel")):
            module = ModuleType(f"imagededup.{name}")
            setattr(module, member, None)
            sys.modules[module.__name__] = module
        from imagededup.methods import PHash

        method = PHash(verbose=False)

        def hashed(path: str) -> str:
            return str(method.encode_image(image_file=path))

    for line in sys.stdin:
        began = time.process_time()
        found = hashed(line.rstrip("\n"))
        print(time.process_time() - began, found, flush=True)


if __name__ == "__main__":
    main()
