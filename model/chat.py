"""Language models as readers of prompts: the prompt is a chat message, a hidden layer the condition."""

from typing import Any

from model.families.base import Condition


class ChatText:
    """A language model reads the prompt as a chat message; its penultimate layer is the condition (Z-Image)."""

    max_tokens = 512

    def __init__(self, tokenizer: Any, encoder: Any) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder

    def encode(self, text: str) -> Condition:
        message = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        tokens = self.tokenizer(
            message, padding="max_length", max_length=self.max_tokens, truncation=True, return_tensors="pt"
        ).to(self.encoder.device)
        mask = tokens.attention_mask.bool()
        states = self.encoder(input_ids=tokens.input_ids, attention_mask=mask, output_hidden_states=True)
        return Condition(states.hidden_states[-2][0][mask[0]])

    def encode_nothing(self) -> Condition:
        return self.encode("")
